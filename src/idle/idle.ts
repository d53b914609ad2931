import type { EventRow, EvidenceRow, StateRow } from '../../proofs/dataset.ts'
import type { Hex } from '../../proofs/types.ts'

/**
 * `works`: something of its work was seen and passed. `idle`: it took inflation, no ticket was redeemed, no receipt was seen.
 * `unproven`: too little was seen to say anything. `self-dealt`: its tickets came from itself or from who bonded to it in the span.
 * `paid-without-work`: tickets were redeemed, and what we checked of it failed. None of these is an accusation, and none goes on a chain.
 */
export type IdleClass = 'works' | 'idle' | 'unproven' | 'self-dealt' | 'paid-without-work'
export const IDLE_CLASSES: readonly IdleClass[] = ['paid-without-work', 'self-dealt', 'idle', 'unproven', 'works']

export interface IdleParameters {
  /** Rounds of the span below which nobody is called idle: tickets are a lottery, and a small node may win none for weeks. */
  readonly idleFromRounds: number
  /** Redemptions below which nothing is said of where they came from. */
  readonly selfFromTickets: number
  /** Share of the face value, in parts per million, from itself or who bonded to it. */
  readonly selfSharePpm: number
  /** Samples that count, below which failures say nothing. */
  readonly failFromSamples: number
}

/** 30 rounds are four weeks; 30 samples are what a score needs too. */
export const IDLE_PARAMETERS: IdleParameters = {
  ...{ idleFromRounds: 30, selfFromTickets: 3, selfSharePpm: 900_000, failFromSamples: 30 },
}

export interface IdleInput {
  /** In the order of the chain; all of the span, and nothing else. */
  readonly events: readonly EventRow[]
  readonly state: readonly StateRow[]
  readonly evidence: readonly EvidenceRow[]
}

/** One orchestrator. Amounts in wei: LPT of the token, ETH of the native coin. */
export interface IdleResult {
  readonly address: Hex
  readonly class: IdleClass
  readonly why: string
  /** LPT minted by its calls of reward(), what its delegators share included. */
  readonly mintedLpt: bigint
  readonly rewardCalls: number
  readonly rewardedRounds: number
  readonly tickets: number
  /** Face value of the winning tickets. */
  readonly redeemedEth: bigint
  /** Of it from senders that are itself, or that bonded to it in the span. */
  readonly relatedEth: bigint
  readonly relatedTickets: number
  readonly ownBond: bigint
  /** Stake that others trust it with: total less own. */
  readonly delegated: bigint
  /** What it holds of others against its own bond: delegated stake and minted LPT, in parts per million of the bond; null without a bond. */
  readonly atRiskPpm: bigint | null
}

interface Sum {
  minted: bigint
  rewards: number
  rounds: Set<bigint>
  tickets: { sender: Hex; faceValue: bigint }[]
}

const MILLION = 1_000_000n

/** Pure: the same rows give the same results, sorted by address. */
export function deriveIdle(input: IdleInput, parameters: IdleParameters = IDLE_PARAMETERS): IdleResult[] {
  const sums = new Map<Hex, Sum>()
  const sumOf = (address: Hex): Sum => {
    const sum = sums.get(address) ?? { minted: 0n, rewards: 0, rounds: new Set<bigint>(), tickets: [] }
    sums.set(address, sum)
    return sum
  }
  const bonds = new Map<Hex, Set<Hex>>()
  const rounds = new Set<bigint>()
  let round = 0n
  for (const row of input.events) {
    if (row.kind === 'new-round') {
      round = row.round
      rounds.add(round)
    } else if (row.kind === 'reward') {
      const sum = sumOf(row.transcoder)
      sum.minted += row.amount
      sum.rewards++
      sum.rounds.add(round)
    } else if (row.kind === 'ticket') sumOf(row.recipient).tickets.push({ sender: row.sender, faceValue: row.faceValue })
    else if (row.kind === 'bond' && row.added > 0n)
      bonds.set(row.delegate, (bonds.get(row.delegate) ?? new Set()).add(row.delegator))
  }
  const state = new Map(input.state.map((row) => [row.address, row]))
  const evidence = new Map(input.evidence.map((row) => [row.address, row]))
  const all = [...new Set<Hex>([...sums.keys(), ...state.keys()])].sort()
  return all.map((address) => {
    const sum = sumOf(address)
    const related = sum.tickets.filter(({ sender }) => sender === address || bonds.get(address)?.has(sender))
    const redeemedEth = total(sum.tickets)
    const relatedEth = total(related)
    const at = state.get(address)
    const ownBond = at?.ownBond ?? 0n
    const delegated = at && at.totalStake > ownBond ? at.totalStake - ownBond : 0n
    const facts = {
      ...{ address, mintedLpt: sum.minted, rewardCalls: sum.rewards, rewardedRounds: sum.rounds.size },
      ...{ tickets: sum.tickets.length, redeemedEth, relatedEth, relatedTickets: related.length, ownBond, delegated },
      atRiskPpm: ownBond === 0n ? null : ((delegated + sum.minted) * MILLION) / ownBond,
    }
    const seen = evidence.get(address) ?? nothing(address)
    return { ...facts, ...classOf(facts, seen, rounds.size, parameters) }
  })
}

function total(tickets: readonly { faceValue: bigint }[]): bigint {
  return tickets.reduce((sum, { faceValue }) => sum + faceValue, 0n)
}

function nothing(address: Hex): EvidenceRow {
  return {
    address,
    ...{ receipts: 0, pass: 0, fail: 0, inconclusive: 0, withheld: 0, unreceipted: 0, faults: 0, trips: 0 },
  }
}

type Facts = Omit<IdleResult, 'class' | 'why'>

/** The first line that fits, heaviest first; doubt falls through to `unproven`. */
function classOf(facts: Facts, seen: EvidenceRow, rounds: number, limits: IdleParameters): Pick<IdleResult, 'class' | 'why'> {
  const { tickets, relatedTickets, relatedEth, redeemedEth, rewardCalls } = facts
  const bad = seen.fail + seen.withheld + seen.unreceipted
  const samples = seen.pass + bad
  if (tickets > 0 && seen.faults > 0)
    return is(
      'paid-without-work',
      `${many(tickets, 'ticket')} redeemed, and its own signatures prove ${many(seen.faults, 'fault')}`,
    )
  if (tickets > 0 && samples >= limits.failFromSamples && seen.fail > 0 && 2 * bad > samples)
    return is('paid-without-work', `${many(tickets, 'ticket')} redeemed, and ${bad} of ${samples} samples were bad`)
  // What was seen working is not called by where its tickets came from: a gateway may well bond to the node that it uses.
  if (seen.pass > 0 && 2 * bad <= samples) return is('works', `${seen.pass} of ${samples} samples passed`)
  if (seen.trips > 0 && bad === 0) return is('works', `answered ${seen.trips} probes or streams`)
  if (tickets >= limits.selfFromTickets && relatedEth * MILLION >= redeemedEth * BigInt(limits.selfSharePpm) && redeemedEth > 0n)
    return is('self-dealt', `${relatedTickets} of ${tickets} tickets came from itself or who bonded to it in the span`)
  if (rewardCalls > 0 && tickets === 0 && seen.receipts === 0 && samples + seen.inconclusive === 0) {
    if (rounds >= limits.idleFromRounds)
      return is('idle', `rewarded in ${facts.rewardedRounds} of ${rounds} rounds; no ticket, no receipt`)
    return is(
      'unproven',
      `no ticket and no receipt, but ${rounds === 1 ? '1 round is' : `${rounds} rounds are`} too few to call it idle`,
    )
  }
  const had = [
    ...(tickets > 0 ? [many(tickets, 'ticket')] : []),
    ...(seen.receipts > 0 ? [many(seen.receipts, 'receipt')] : []),
    ...(samples + seen.inconclusive > 0 ? [`${many(samples + seen.inconclusive, 'sample')} that settled nothing`] : []),
  ]
  return is('unproven', `${had.length === 0 ? 'neither rewards nor tickets' : had.join(', ')}; no work of it was seen here`)
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function is(name: IdleClass, why: string): Pick<IdleResult, 'class' | 'why'> {
  return { class: name, why }
}
