import { systemClock } from '../base/clock.ts'
import type { Finding } from '../doctor/types.ts'
import { type Peer, readPeers } from '../monitor/net/ask.ts'
import { examineNetwork } from '../monitor/net/doctor.ts'
import { columns } from './chain-view.ts'
import { complain } from './complain.ts'
import { dataDirOf } from './data-dir.ts'
import { findingLine } from './finding-view.ts'
import { toJson } from './json.ts'
import type { NetOptions } from './net.options.ts'
import { untilSignal } from './until-signal.ts'
import { ageOf } from './watch-view.ts'

/** `fisherman peers`: 0 there are peers, 1 there are none, 2 nobody answers. */
export async function peersCommand(options: NetOptions, signal: AbortSignal = untilSignal()): Promise<number> {
  return await within('peers', options, signal, async (dataDir) => {
    const peers = await readPeers(dataDir, { signal })
    if (options.json) console.log(toJson({ peers }))
    else for (const line of peerLines(peers, systemClock.nowMs())) console.log(line)
    return peers.length > 0 ? 0 : 1
  })
}

/** `fisherman net doctor`: 0 nothing failed, 1 something did, 2 nobody answers. */
export async function netDoctorCommand(options: NetOptions, signal: AbortSignal = untilSignal()): Promise<number> {
  return await within('net doctor', options, signal, async (dataDir) => {
    const tell = options.json ? {} : { tell: (finding: Finding) => console.log(findingLine(finding)) }
    const { ok, findings } = await examineNetwork(dataDir, { clock: systemClock, ...tell }, { signal })
    if (options.json) console.log(toJson({ ok, checks: findings }))
    return ok ? 0 : 1
  })
}

const HEADER = ['PEER', 'ADDRESS', 'LINK', 'AGENT', 'SPEAKS', 'SCORE', 'LATENCY', 'CONNECTED', 'LAST SEEN']

export function peerLines(peers: readonly Peer[], nowMs: number): string[] {
  if (peers.length === 0) return ['no peer is connected; fisherman net doctor says more']
  const ago = (ms: number) => ageOf(Math.max(0, nowMs - ms) / 1000)
  const rows = peers.map(({ id, address, direction, agent, speaks, score, latencyMs, connectedAtMs, lastSeenMs }) => [
    ...[id, address.replace(/\/p2p\/.*$/, ''), direction === 'inbound' ? 'in' : 'out', agent || '-'],
    ...[speaks === 'full' ? 'all' : 'proofs', score.toFixed(1), latencyMs === undefined ? '-' : `${latencyMs} ms`],
    ...[ago(connectedAtMs), ago(lastSeenMs)],
  ])
  const out = peers.filter(({ direction }) => direction === 'outbound').length
  return [...columns([HEADER, ...rows], new Set([5, 6])), '', `${peers.length} connected: ${out} out, ${peers.length - out} in`]
}

/** Works for the daemon that the flags name; what goes wrong is one line. */
export async function within(
  name: string,
  options: NetOptions,
  signal: AbortSignal,
  work: (dataDir: string) => Promise<number>,
): Promise<number> {
  try {
    return await work(dataDirOf(options))
  } catch (error) {
    if (signal.aborted) return 130
    complain(name, error)
    return 2
  }
}
