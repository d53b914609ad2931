import type { Interface, LogDescription } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { delegationInterface, depositInterface, lower } from './contracts.ts'
import { bondingInterface } from './livepeer.ts'
import type { Alarm, AlarmKind, CaseView } from './types.ts'
import type { Log } from './wire.ts'

/** A move of somebody's bond or keys, suspect or not. */
type Move = Omit<Alarm, 'because'>

export interface AlarmBook {
  /** Learns the moves of new blocks, and raises those of suspects. */
  add(logs: readonly Log[]): void
  /** Forgets everything above these blocks; the two kinds of logs are read, and read again, apart. */
  rewind(to: { own: bigint; bonding: bigint }): void
  /** Cases may have opened or ended: who is under one is a suspect. */
  look(): void
  suspect(transcoder: Hex, because: string): void
  unsuspect(transcoder: Hex, because: string): void
  list(): Alarm[]
  onAlarm(listener: (alarm: Alarm) => void): () => void
}

/** Moves remembered: an orchestrator that leaves before it is suspected leaves a short time before. */
const KEEP = 2_000
/** Alarms listed, and those of each road known as told one by one. More than moves, so that what is dropped is about none of these. */
const KEEP_ALARMS = 2 * KEEP

/** The two kinds of logs, each read in the order of its blocks. */
type Road = 'own' | 'bonding'
const roadOf = ({ kind }: Move): Road => (kind === 'unbond' || kind === 'transfer-bond' ? 'bonding' : 'own')

/** Watches deposits, delegations and bonds for moves of suspects. */
export function createAlarms(deps: {
  contractOf(address: Hex): 'deposit' | 'delegation' | 'bonding' | undefined
  cases(): readonly CaseView[]
  raise?(alarm: Alarm): void
}): AlarmBook {
  let moves: { key: string; move: Move }[] = []
  const raised = new Map<string, Alarm>()
  const told = createTold()
  const suspects = new Map<Hex, Set<string>>()
  const listeners = new Set<(alarm: Alarm) => void>()

  function whySuspect(transcoder: Hex): string | undefined {
    const open = deps.cases().find((one) => one.transcoder === transcoder && (one.state === 'open' || one.state === 'answered'))
    if (open) return `case ${open.faultClass} ${open.faultId} is open`
    return [...(suspects.get(transcoder) ?? [])][0]
  }

  function look(): void {
    const known = new Map<Hex, string | undefined>()
    for (const { key, move } of moves) {
      if (raised.has(key)) continue
      if (!known.has(move.transcoder)) known.set(move.transcoder, whySuspect(move.transcoder))
      const because = known.get(move.transcoder)
      if (because === undefined) continue
      const alarm: Alarm = { ...move, because }
      raised.set(key, alarm)
      if (!told.isNew(key, move)) continue
      deps.raise?.(alarm)
      for (const listener of listeners) listener({ ...alarm })
    }
    dropOldest()
  }

  /** A suspect may move in a loop. What is among the moves stays, or it would be raised anew; and of each suspect the last: that it moves counts. */
  function dropOldest(): void {
    if (raised.size <= KEEP_ALARMS) return
    const held = new Set(moves.map(({ key }) => key))
    const last = new Map([...raised].map(([key, { transcoder }]) => [transcoder, key]))
    for (const [key, { transcoder }] of raised) {
      if (raised.size <= KEEP_ALARMS) return
      if (!held.has(key) && last.get(transcoder) !== key) raised.delete(key)
    }
  }

  return {
    look,
    add(logs) {
      for (const log of logs) {
        const move = moveOf(log, deps.contractOf(log.address))
        const key = `${log.blockHash}:${log.logIndex}`
        if (move && !moves.some((one) => one.key === key)) moves.push({ key, move })
      }
      moves = moves.slice(-KEEP)
      look()
    },
    rewind(to) {
      const stays = (move: Move) => move.blockNumber <= to[roadOf(move)]
      moves = moves.filter(({ move }) => stays(move))
      for (const [key, alarm] of raised) if (!stays(alarm)) raised.delete(key)
    },
    suspect(transcoder, because) {
      suspects.set(transcoder, (suspects.get(transcoder) ?? new Set()).add(because))
      look()
    },
    unsuspect(transcoder, because) {
      const reasons = suspects.get(transcoder)
      reasons?.delete(because)
      if (reasons?.size === 0) suspects.delete(transcoder)
    },
    list: () => [...raised.values()].map((alarm) => ({ ...alarm })),
    onAlarm(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/**
 * Raised once, also where a reorganisation makes us read the same block again, however far back. The newest by name; of what lies as deep as older
 * ones nothing is told any more: whatever of it was not told has left the moves long since.
 */
function createTold(): { isNew(key: string, move: Move): boolean } {
  const roads = {
    own: { keys: new Map<string, bigint>(), through: -1n },
    bonding: { keys: new Map<string, bigint>(), through: -1n },
  }
  return {
    isNew(key, move) {
      const road = roads[roadOf(move)]
      if (road.keys.has(key) || move.blockNumber <= road.through) return false
      road.keys.set(key, move.blockNumber)
      for (const [oldest, blockNumber] of road.keys) {
        if (road.keys.size <= KEEP_ALARMS) break
        road.keys.delete(oldest)
        if (blockNumber > road.through) road.through = blockNumber
      }
      return true
    },
  }
}

const INTERFACES: Readonly<Record<'deposit' | 'delegation' | 'bonding', Interface>> = {
  deposit: depositInterface,
  delegation: delegationInterface,
  bonding: bondingInterface,
}

/** What a log says about leaving, or about keys. */
function moveOf(log: Log, contract: 'deposit' | 'delegation' | 'bonding' | undefined): Move | undefined {
  if (!contract) return undefined
  let event: LogDescription | null
  try {
    event = INTERFACES[contract].parseLog({ topics: log.topics, data: log.data })
  } catch {
    return undefined
  }
  if (!event) return undefined
  const { args } = event
  const move = (kind: AlarmKind, who: unknown, more: Partial<Move>): Move => ({
    kind,
    transcoder: lower(who as string),
    tx: log.tx,
    blockNumber: log.blockNumber,
    ...more,
  })
  switch (event.name) {
    case 'Thawing':
      return move('thawing', args.transcoder, { amount: args.amount as bigint, leavesAtSec: Number(args.thawedAt) })
    case 'SignerDelegated':
      return move('signer-delegated', args.transcoder, { other: lower(args.signer as string) })
    case 'SignerRevoked':
      return move('signer-revoked', args.transcoder, { other: lower(args.signer as string) })
    case 'Unbond':
      return move('unbond', args.delegator, { amount: args.amount as bigint })
    case 'TransferBond':
      return move('transfer-bond', args.oldDelegator, {
        amount: args.amount as bigint,
        other: lower(args.newDelegator as string),
      })
    default:
      return undefined
  }
}
