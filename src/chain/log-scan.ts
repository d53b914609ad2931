import type { Hex } from '../../proofs/types.ts'
import { sleep } from '../base/clock.ts'
import { isFishermanError } from '../base/errors.ts'
import { problem, type Rpc, RpcRefusal } from './rpc.ts'
import { type Log, parseHeader, parseLogs, toQuantity } from './wire.ts'

/** Logs of a span of blocks, with the hash of its last one: what was read once and may be kept. */
export interface Span {
  from: bigint
  to: bigint
  hash: Hex
  logs: Log[]
}

export interface LogFilter {
  address: readonly Hex[]
  /** Any of these first topics; all events where not given. */
  topics?: readonly Hex[]
}

export interface LogScanInit {
  filter: LogFilter
  /** Blocks of the first query; it grows while nodes accept, and shrinks when one refuses. */
  span?: bigint
  maxSpan?: bigint
  /** Milliseconds to wait when the node says that it was asked too often. */
  patienceMs?: number
}

export interface LogScan {
  /** Hash that a block is known to have; logs and headers that say otherwise are refused. */
  next(range: { from: bigint; to: bigint }, known: (block: bigint) => Hex | undefined, signal: AbortSignal): Promise<Span>
}

/** Blocks of one log query: public nodes refuse much longer spans of busy contracts. */
const SPAN = 5_000n
const MAX_SPAN = 320_000n
/** Logs of one answer up to which the next span may be longer. */
const COMFORTABLE = 1_000
/** Times that a slow or overflowing answer, or a busy node, is met before the trouble is passed on; what was read stays read. */
const PATIENCE = 4

/** Spans accepted in a row after which a longer one is tried again. */
const FORGIVE = 16

const BUSY = /rate.?limit|too many requests|requests per|throttl|capacity|quota|try again|429/i
const NO_SUCH_BLOCK = /out ?of ?range|unknown block|not found|header|beyond|ahead of/i

/** Reads logs in spans that the node accepts. */
export function createLogScan(init: LogScanInit, deps: { rpc: Rpc }): LogScan {
  const { rpc } = deps
  const { address, topics } = init.filter
  const watched = new Set(address)
  const maxSpan = init.maxSpan ?? MAX_SPAN
  let span = init.span ?? SPAN
  /** Shortest span that was refused; tried again only after many were accepted, since some blocks are fuller than others. */
  let refused = maxSpan + 1n
  let accepted = 0

  async function read(from: bigint, to: bigint, known: (block: bigint) => Hex | undefined, signal: AbortSignal): Promise<Span> {
    const filter = { address, fromBlock: toQuantity(from), toBlock: toQuantity(to), ...(topics ? { topics: [topics] } : {}) }
    // Both in one HTTP exchange: a node that does not have the last block yet would answer with no logs, and nobody would notice.
    const [last, answer] = await Promise.all([
      rpc.send('eth_getBlockByNumber', [toQuantity(to), false], { signal }),
      rpc.send('eth_getLogs', [filter], { signal }),
    ])
    const header = parseHeader(last)
    const logs = parseLogs(answer)
    if (!header) throw lies(`has no block ${to}, though its newest one is later; it lags behind`)
    const hashes = (block: bigint) => (block === to ? header.hash : known(block))
    if (header.number !== to || (known(to) ?? header.hash) !== header.hash) throw lies(`has another block ${to} than before`)
    for (const log of logs) {
      if (log.blockNumber < from || log.blockNumber > to) throw lies('answered with logs of other blocks than asked for')
      if (!watched.has(log.address)) throw lies('answered with logs of other contracts than asked for')
      if ((hashes(log.blockNumber) ?? log.blockHash) !== log.blockHash)
        throw lies('answered with logs of blocks that are not in its chain')
      if (topics && !topics.includes(log.topics[0] ?? '0x')) throw lies('answered with other events than asked for')
    }
    if (new Set(logs.map((log) => `${log.blockNumber}:${log.logIndex}`)).size !== logs.length)
      throw lies('answered with the same log twice')
    return { from, to, hash: header.hash, logs }
  }

  return {
    async next({ from, to }, known, signal) {
      let patience = PATIENCE
      for (;;) {
        const end = from + span - 1n < to ? from + span - 1n : to
        const length = end - from + 1n
        try {
          const result = await read(from, end, known, signal)
          if (++accepted % FORGIVE === 0) refused = maxSpan + 1n
          if (result.logs.length < COMFORTABLE && length === span && 2n * span < refused && 2n * span <= maxSpan) span *= 2n
          return result
        } catch (error) {
          const busy = error instanceof RpcRefusal && BUSY.test(error.message)
          const slow = isFishermanError(error) && (error.code === 'rpc-timeout' || error.code === 'rpc-too-long')
          const tooMuch = error instanceof RpcRefusal && !NO_SUCH_BLOCK.test(error.message)
          if ((!busy && !slow && !tooMuch) || ((busy || slow) && patience-- === 0)) throw asProblem(error)
          if (busy) {
            await sleep(init.patienceMs ?? 1_000, signal)
            continue
          }
          if (length <= 1n) throw asProblem(error)
          accepted = 0
          if (tooMuch && length < refused) refused = length
          span = length / 2n
        }
      }
    },
  }
}

function asProblem(error: unknown): unknown {
  if (!(error instanceof RpcRefusal)) return error
  return problem('rpc-logs', `the RPC node refuses to tell events: ${error.message.slice(0, 200)}; use another RPC URL`, error)
}

function lies(what: string): Error {
  return problem('rpc-lies', `the RPC node ${what}; use another RPC URL`)
}
