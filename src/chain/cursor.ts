import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { problem, type Rpc } from './rpc.ts'
import type { Head, HeadEvent } from './types.ts'
import { type Header, parseHeader, toQuantity } from './wire.ts'

export interface Cursor {
  head(): Head
  nowSec(): number
  headAgeSec(): number
  /** Asks for the newest block; the event when the head moved, forward or back. */
  poll(signal: AbortSignal): Promise<HeadEvent | undefined>
  /** Hash of a block of our chain that is in memory. */
  hashAt(number: bigint): Hex | undefined
  /** Header of a block that is known to be on our chain, from memory where it is young. */
  headerAt(number: bigint, signal: AbortSignal): Promise<Header | undefined>
  /** First block with timestamp >= t, or undefined while the head is older. */
  firstAt(timestampSec: number, signal: AbortSignal): Promise<Header | undefined>
}

/** Headers kept: reorganisations deeper than this re-scan from the oldest one kept. */
const KEEP = 512
/** Blocks fetched one by one after a pause; beyond it the cursor jumps. */
const MAX_STEP = 128
/** Polls that must find a shorter chain before it is believed: one lagging node behind a load balancer is no reorganisation. */
const SHORTER_POLLS = 3

/** Follows the chain as (number, hash). `deployBlock` is the floor of every search. */
export async function createCursor(
  init: { deployBlock: bigint; signal: AbortSignal },
  deps: { rpc: Rpc; clock: Clock },
): Promise<Cursor> {
  const { rpc, clock } = deps
  const headers = new Map<bigint, Header>()
  let shorter = 0
  let seenAtMs = 0
  let lastNowSec = 0
  let head = await fetchHeader('latest', init.signal)
  if (!head) throw problem('rpc-garbage', 'the RPC node has no newest block; wait until it is in sync or use another one')
  let current: Header = head
  accept(current)

  async function fetchHeader(tag: string, signal: AbortSignal): Promise<Header | undefined> {
    return parseHeader(await rpc.send('eth_getBlockByNumber', [tag, false], { signal }))
  }

  function accept(header: Header): void {
    headers.set(header.number, header)
    headers.delete(header.number - BigInt(KEEP))
    current = header
    seenAtMs = clock.monotonicMs()
  }

  /** Newest block that is both in memory and on the node's chain; everything above is forgotten. */
  async function rewind(signal: AbortSignal): Promise<bigint> {
    const numbers = [...headers.keys()].sort((a, b) => Number(b - a))
    for (const number of numbers) {
      const known = headers.get(number)
      const now = await fetchHeader(toQuantity(number), signal)
      if (known && now?.hash === known.hash) {
        accept(known)
        return number
      }
      headers.delete(number)
    }
    const floor = numbers.at(-1) ?? init.deployBlock
    return floor > 0n ? floor - 1n : 0n
  }

  async function advance(to: Header, signal: AbortSignal): Promise<HeadEvent> {
    let rewoundTo: bigint | undefined
    const from = current.number
    const gap = to.number - from
    const missing =
      gap > 1n && gap <= MAX_STEP
        ? await Promise.all(
            Array.from({ length: Number(gap) - 1 }, (_, i) => fetchHeader(toQuantity(from + 1n + BigInt(i)), signal)),
          )
        : []
    const chain = [...missing.filter((header) => header !== undefined), to]
    const linked = chain.every((header, i) => header.parentHash === (chain[i - 1] ?? current).hash)
    const jumped = gap > MAX_STEP && (await fetchHeader(toQuantity(from), signal))?.hash === current.hash
    if (!linked && !jumped) {
      rewoundTo = await rewind(signal)
      // Refetched in pieces by the next polls; what lies between is scanned by number.
      accept(to)
      lastNowSec = 0
      return { head: headOf(to), rewoundTo }
    }
    if (jumped) headers.clear()
    for (const header of jumped ? [to] : chain) accept(header)
    return { head: headOf(to) }
  }

  return {
    head: () => headOf(current),
    nowSec() {
      const now = Math.floor(current.timestampSec + (clock.monotonicMs() - seenAtMs) / 1000)
      lastNowSec = Math.max(lastNowSec, now)
      return lastNowSec
    },
    headAgeSec: () => Math.max(0, clock.nowMs() / 1000 - current.timestampSec),
    async poll(signal) {
      head = await fetchHeader('latest', signal)
      if (!head) throw problem('rpc-garbage', 'the RPC node has no newest block; wait until it is in sync or use another one')
      if (head.hash === current.hash) {
        shorter = 0
        return undefined
      }
      if (head.number > current.number) {
        shorter = 0
        return advance(head, signal)
      }
      if (headers.get(head.number)?.hash === head.hash && ++shorter < SHORTER_POLLS) return undefined
      shorter = 0
      const rewoundTo = await rewind(signal)
      if (head.number > rewoundTo) accept(head)
      lastNowSec = 0
      return { head: headOf(current), rewoundTo }
    },
    hashAt: (number) => (number > current.number ? undefined : headers.get(number)?.hash),
    async headerAt(number, signal) {
      return headers.get(number) ?? (await fetchHeader(toQuantity(number), signal))
    },
    async firstAt(timestampSec, signal) {
      if (current.timestampSec < timestampSec) return undefined
      let low = init.deployBlock
      let high = current.number
      // Narrow by memory first: a beacon is nearly always among the last blocks.
      for (const header of headers.values()) {
        if (header.number > current.number) continue
        if (header.timestampSec >= timestampSec && header.number < high) high = header.number
        if (header.timestampSec < timestampSec && header.number >= low) low = header.number + 1n
      }
      while (low < high) {
        const middle = (low + high) / 2n
        const header = headers.get(middle) ?? (await fetchHeader(toQuantity(middle), signal))
        if (!header) return undefined
        if (header.timestampSec >= timestampSec) high = middle
        else low = middle + 1n
      }
      return headers.get(high) ?? (await fetchHeader(toQuantity(high), signal))
    },
  }
}

function headOf(header: Header): Head {
  return { number: header.number, hash: header.hash, timestampSec: header.timestampSec }
}
