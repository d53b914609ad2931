import { join } from 'node:path'
import { faultIdOf } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { httpGet } from '../../src/base/http-get.ts'
import type { RunningNode } from '../../src/devnet/demo-processes.ts'
import { openProofLog } from '../../src/prooflog/log.ts'
import { readReceiptLine, readWindowLine } from '../../src/receipt/row.ts'
import { checkAfterCrash, checkChain, checkWords, createLedger } from '../crash/check.ts'
import type { Fisherman } from './fisherman.ts'
import type { SoakWorld } from './world.ts'

/** What a daemon said of its log while it ran: whatever was said must be there at the end. */
export type Heads = Map<string, { size: number; root: Hex }[]>

export interface Account {
  /** Faults that the pass-through node's own receipts prove, and how many of them are convicted. */
  provable: number
  proven: number
  convictions: number
  /** Entries of all logs, verified. */
  entries: number
  heads: number
  transactions: number
  complaints: string[]
}

async function linesOf(url: string): Promise<unknown[]> {
  const text = (await httpGet(url, { maxBytes: 64 << 20, timeoutMs: 20_000 })).toString('utf8')
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as unknown]))
}

export interface Provable {
  faults: Hex[]
  /** Newest window that all those nodes have published; undefined where there is none of them. */
  window: bigint | undefined
}

/** Every fault of a node that passes the source through: one for each receipt of its feed. */
export async function provableFaults(world: SoakWorld): Promise<Provable> {
  const found: Hex[] = []
  const newest: bigint[] = []
  const { chainId, anchor } = world.chain.deployment
  for (const { url, address } of world.nodes.filter(({ behaviour }) => behaviour === 'passthrough')) {
    const base = `${url}/fisherman/v1`
    for (let after = 0n; ; ) {
      const windows = (await linesOf(`${base}/windows?after=${after}&limit=200`)).map(readWindowLine)
      for (const { window } of windows) {
        after = window.windowId
        if (window.count === 0) continue
        for (const line of await linesOf(`${base}/receipts?window=${window.windowId}&limit=1000`))
          found.push(faultIdOf('O3', address, readReceiptLine({ chainId, anchor }, line).digest))
      }
      if (windows.length < 200) {
        newest.push(after)
        break
      }
    }
  }
  return { faults: found, window: newest.sort((a, b) => (a < b ? -1 : 1))[0] }
}

/** The same of those that are not on the chain. */
export async function missingFaults(world: SoakWorld): Promise<Provable> {
  const convicted = await world.convictions()
  const { faults, window } = await provableFaults(world)
  return { faults: faults.filter((faultId) => !convicted.has(faultId)), window }
}

/** Adds up after all fishermen have ended. */
export async function settleAccount(world: SoakWorld, heads: Heads): Promise<Account> {
  const complaints: string[] = []
  const convicted = await world.convictions()
  const { faults: provable } = await provableFaults(world)
  for (const faultId of provable) if (!convicted.has(faultId)) complaints.push(`fault ${faultId} is provable and not proven`)
  const honest = new Map<Hex, RunningNode>(
    world.nodes.filter(({ behaviour }) => behaviour === 'honest').map((node) => [node.address, node]),
  )
  for (const [faultId, { transcoder, times }] of convicted) {
    if (times !== 1) complaints.push(`fault ${faultId} was convicted ${times} times`)
    if (honest.has(transcoder)) complaints.push(`an honest node was convicted: ${faultId}`)
  }
  const account = { provable: provable.length, proven: 0, convictions: convicted.size, entries: 0, heads: 0, transactions: 0 }
  account.proven = provable.filter((faultId) => convicted.has(faultId)).length
  for (const fisherman of world.fishermen) {
    const trying = async (work: () => Promise<void>) =>
      work().catch((error: unknown) => complaints.push(`${fisherman.name}: ${String(error)}`))
    const like = world.asCrashWorld(fisherman)
    await trying(async () => await checkAfterCrash(like, [], createLedger()))
    await trying(async () => checkWords(like))
    await trying(async () => {
      account.transactions += await checkChain(like)
    })
    await trying(async () => await checkHeads(fisherman, heads.get(fisherman.name) ?? [], world, account))
  }
  return { ...account, complaints }
}

/** What it said of its log is the beginning of it, and each fault that it found is on the chain. */
async function checkHeads(
  { party }: Fisherman,
  heads: readonly { size: number; root: Hex }[],
  world: SoakWorld,
  account: { entries: number; heads: number },
): Promise<void> {
  const log = await openProofLog({ folder: join(party.dataDir, 'proofs') }, { clock: systemClock })
  try {
    account.entries += log.head().size
    for (const { size, root } of heads) {
      if (size > log.head().size || (await log.rootAt(size)) !== root) throw new Error(`its log of ${size} entries is not there`)
      account.heads++
    }
    const found = (await log.find({ kind: 'case' })).map(({ payload }) => payload as { state: string; faultId: Hex })
    const faults = [...new Set(found.filter(({ state }) => state === 'found').map(({ faultId }) => faultId))]
    const convicted = await world.convictions()
    const left = faults.filter((faultId) => !convicted.has(faultId))
    if (left.length > 0)
      throw new Error(`${left.length} of ${faults.length} faults that it found are not proven, ${left[0]} for one`)
  } finally {
    await log.close()
  }
}
