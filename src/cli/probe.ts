import { dirname, join } from 'node:path'
import { type ProbedNode, type ProbeRequest, runProbe } from '../probe/probe.ts'
import type { WalletRequest } from '../probe/wallet.ts'
import { complain, usage } from './complain.ts'
import { toJson } from './json.ts'
import type { ProbeOptions } from './probe.options.ts'
import { nodeLines, segmentLine } from './probe-view.ts'
import { stepLine } from './step-line.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman probe`: 0 all is well, 1 something failed, 2 our own error, 3 doubts or nothing had. */
export async function probeCommand(nodes: string[], options: ProbeOptions): Promise<number> {
  const signal = untilSignal()
  try {
    const request = requestOf(nodes, options)
    const { json } = options
    const line = stepLine(options)
    const probed = await runProbe(
      request,
      {
        onStep: line.show,
        onSegment(uri, segment) {
          line.clear()
          if (!json) console.log(segmentLine(uri, segment))
        },
      },
      signal,
    ).finally(line.clear)
    const region = options.region === undefined ? {} : { region: options.region }
    for (const node of probed) {
      if (json) console.log(toJson({ ...region, ...node }))
      else for (const text of nodeLines(node, options.region)) console.log(text)
    }
    return exitCodeOf(probed)
  } catch (error) {
    if (signal.aborted) return 130
    complain('probe', error)
    return 2
  }
}

export function exitCodeOf(probed: readonly ProbedNode[]): number {
  const verdicts = probed.flatMap((node) => [...node.verdicts, ...(node.capacity?.verdicts ?? [])])
  if (verdicts.some(({ outcome }) => outcome === 'fail')) return 1
  if (probed.some(({ troubles }) => troubles.length > 0)) return 2
  const isGiven = ({ received, sent }: ProbedNode) => sent > 0 && received === sent
  return verdicts.some(({ outcome }) => outcome === 'inconclusive') || !probed.every(isGiven) ? 3 : 0
}

function requestOf(nodes: readonly string[], options: ProbeOptions): ProbeRequest {
  for (const node of nodes) if (!/^https?:\/\/\S+$/.test(node)) throw usage(`'${node}' is no service URI: https://host:8935`)
  const { sources, rungs, sheets, allowPrivate = false } = options
  const segmentSec = count('--segment-seconds', options.segmentSeconds, 1, 10)
  const wallet = walletOf(options)
  return {
    ...{ nodes, allowPrivate, segmentSec, segments: count('--segments', options.segments, 1, 1_000) },
    ...{ maxHeight: count('--height', options.height, 144, 2_160), capacity: count('--capacity', options.capacity, 0, 64) },
    ...(sources === undefined ? {} : { sourcesDir: sources }),
    ...(rungs === undefined ? {} : { rungs: rungs.split(',').map((name) => name.trim()) }),
    ...(sheets === undefined ? {} : { sheetsDir: sheets }),
    ...(wallet ? { wallet } : {}),
  }
}

function walletOf(options: ProbeOptions): WalletRequest | undefined {
  const { key, passwordFile, rpc, deployment } = options
  if ((rpc === undefined) !== (deployment === undefined)) throw usage('--rpc and --deployment go together')
  if (key === undefined) {
    if (rpc) throw usage('--rpc looks up what a key may spend: name it with --key')
    return undefined
  }
  if (passwordFile === undefined) throw usage('--key needs --password-file')
  return {
    key: { file: key, passwordFile },
    spendingFile: options.spending ?? join(dirname(key), 'probe-spending.txt'),
    maxPrice: { wei: wei('--max-price', options.maxPrice), pixels: 1n },
    maxTicketEvWei: wei('--max-ticket-value', options.maxTicketValue),
    maxFaceValueWei: wei('--max-face-value', options.maxFaceValue),
    capPerDayWei: wei('--max-per-day', options.maxPerDay),
    ...(rpc && deployment !== undefined ? { chain: { rpcUrls: rpc, deploymentFile: deployment } } : {}),
  }
}

function count(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most)) throw usage(`${name} '${text}': must be a whole number from ${least} to ${most}`)
  return value
}

function wei(name: string, text: string): bigint {
  if (!/^\d{1,30}$/.test(text)) throw usage(`${name} '${text}': must be wei, a whole number`)
  return BigInt(text)
}
