import type { Hex } from '../../proofs/types.ts'
import { createCaseBook } from './cases.ts'
import { createConfirmations } from './confirmations.ts'
import { verifierInterface } from './contracts.ts'
import { createEventFollower, type ScanProgress } from './follow.ts'
import type { Site } from './site.ts'
import { openSpanFile } from './span-file.ts'
import type { CaseView, Waiting } from './types.ts'
import { type Log, parseHeader, toQuantity } from './wire.ts'

/** One event of a case. */
export interface CaseEvent {
  name: string
  args: Readonly<Record<string, unknown>>
  tx: Hex
  blockNumber: bigint
  /** Unix seconds of its block; only where it was asked for. */
  atSec?: number
}

export interface CaseHistory {
  case: CaseView
  /** Oldest first. */
  events: CaseEvent[]
}

export interface HistoryInit {
  /** Keeps what was read, so that the next time only new blocks are asked for. */
  spanFile?: string
  onProgress?(progress: ScanProgress): void
}

/** All cases of a deployment, oldest first, from the events of its verifier. */
export async function readCases(site: Site, init: HistoryInit, options: Waiting): Promise<CaseHistory[]> {
  const { deployment, rpc } = site
  const head = await site.head(options)
  const confirmations = createConfirmations({ rpc })
  await confirmations.refresh(head.number, options.signal)
  const book = createCaseBook()
  const events = new Map<Hex, CaseEvent[]>()
  const follower = createEventFollower(
    { filter: { address: [deployment.verifier] }, from: deployment.deployBlock },
    {
      rpc,
      ...(init.spanFile === undefined
        ? {}
        : { store: openSpanFile(init.spanFile, `cases of ${deployment.chainId}:${deployment.verifier}`) }),
      hashAt: (block) => (block === head.number ? head.hash : undefined),
      finalized: () => confirmations.current().finalized,
      async take(logs) {
        book.add(logs)
        for (const log of logs) note(events, log)
      },
      ...(init.onProgress ? { onProgress: init.onProgress } : {}),
    },
  )
  await follower.resume(options.signal)
  await follower.scan(head.number, options.signal)
  // A cache that cannot be written costs time, nothing else.
  await follower.flush().catch(() => undefined)
  return book.list().map((one) => ({ case: one, events: events.get(one.faultId) ?? [] }))
}

function note(events: Map<Hex, CaseEvent[]>, log: Log): void {
  const event = parse(log)
  if (!event) return
  const faultId = event.args.faultId
  if (typeof faultId !== 'string') return
  const known = events.get(faultId as Hex)
  if (known) known.push(event)
  else events.set(faultId as Hex, [event])
}

function parse(log: Log): CaseEvent | undefined {
  try {
    const event = verifierInterface.parseLog({ topics: log.topics, data: log.data })
    if (!event) return undefined
    const args = Object.fromEntries(event.fragment.inputs.map(({ name }, i) => [name, event.args[i] as unknown]))
    return { name: event.name, args, tx: log.tx, blockNumber: log.blockNumber }
  } catch {
    return undefined
  }
}

/** The same events with the times of their blocks. */
export async function withTimes(site: Site, events: readonly CaseEvent[], { signal }: Waiting): Promise<CaseEvent[]> {
  const times = new Map<bigint, number>()
  for (const block of new Set(events.map((event) => event.blockNumber))) {
    const header = parseHeader(await site.rpc.send('eth_getBlockByNumber', [toQuantity(block), false], { signal }))
    if (header) times.set(block, header.timestampSec)
  }
  return events.map((event) => {
    const atSec = times.get(event.blockNumber)
    return atSec === undefined ? event : { ...event, atSec }
  })
}
