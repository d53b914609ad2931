import type { Clock } from '../base/clock.ts'
import { sleep } from '../base/clock.ts'
import { isFishermanError, messageOf } from '../base/errors.ts'
import { type Endpoint, problem } from './endpoint.ts'
import { type Header, parseHeader, toQuantity } from './wire.ts'

/** What one endpoint says of the chain. */
export interface EndpointView {
  name: string
  /** Newest block; undefined where it gave none. */
  number?: bigint
  /** Seconds by the wall clock since its newest block; 0 where the chain's time runs ahead. */
  ageSec?: number
  state: 'ok' | 'lagging' | 'down' | 'wrong'
  /** One line where it is not ok. */
  says?: string
}

export interface Agreement {
  endpoints: EndpointView[]
  /** One line that names both sides; nothing may be acted on while it is there. */
  conflict?: string
}

/** Blocks below the shorter of two chains at which hashes are compared: the newest ones may differ for a moment. */
const SETTLED_DEPTH = 2n
/** Milliseconds before endpoints that differ are asked once more. */
const SECOND_LOOK_MS = 400
/** Seconds of chain time that an endpoint may be behind the newest one before it is told. */
const LAG_SEC = 30

type Answer = { endpoint: Endpoint; header: Header } | { endpoint: Endpoint; error: unknown }

/**
 * Asks every endpoint for its chain id (before its first use), its newest block and a block that it shares with the one that is furthest.
 * Endpoints that differ are a conflict, so is one of another chain; one that lags or does not answer is only told. An endpoint that is down
 * is no second opinion: with none that answers this throws what the first one said.
 */
export async function compareEndpoints(
  endpoints: readonly Endpoint[],
  deps: { clock: Clock },
  signal: AbortSignal,
): Promise<Agreement> {
  const first = await look(endpoints, deps)
  if (first.conflict === undefined || first.endpoints.some(({ state }) => state === 'wrong')) return first
  await sleep(SECOND_LOOK_MS, signal)
  return await look(endpoints, deps)
}

async function look(endpoints: readonly Endpoint[], deps: { clock: Clock }): Promise<Agreement> {
  const answers = await Promise.all(endpoints.map(newest))
  const good = answers.filter((answer) => 'header' in answer)
  const [head] = [...good].sort((a, b) => Number(b.header.number - a.header.number))
  const wrong = answers.find((answer) => 'error' in answer && isWrongChain(answer.error))
  if (!head && !wrong)
    throw (answers[0] as { error: unknown } | undefined)?.error ?? problem('rpc-missing', 'no RPC is configured')
  const conflict = wrong
    ? messageOf((wrong as { error: unknown }).error)
    : (await Promise.all(good.filter((one) => one !== head).map((one) => differing(head as typeof one, one)))).find(Boolean)
  return {
    endpoints: answers.map((answer) => viewOf(answer, head?.header, deps.clock)),
    ...(conflict === undefined ? {} : { conflict }),
  }
}

async function newest(endpoint: Endpoint): Promise<Answer> {
  try {
    const header = parseHeader(await endpoint.send('eth_getBlockByNumber', ['latest', false]))
    return header ? { endpoint, header } : { endpoint, error: problem('rpc-garbage', `RPC ${endpoint.name} has no newest block`) }
  } catch (error) {
    return { endpoint, error }
  }
}

/** One line when both have a block of the same height with different hashes. */
async function differing(
  a: { endpoint: Endpoint; header: Header },
  b: { endpoint: Endpoint; header: Header },
): Promise<string | undefined> {
  const height = b.header.number > SETTLED_DEPTH ? b.header.number - SETTLED_DEPTH : 0n
  const at = async (endpoint: Endpoint) =>
    parseHeader(await endpoint.send('eth_getBlockByNumber', [toQuantity(height), false]))?.hash ?? 'none'
  try {
    const [one, two] = await Promise.all([at(a.endpoint), at(b.endpoint)])
    if (one === two && one !== 'none') return undefined
    return `RPC ${a.endpoint.name} and RPC ${b.endpoint.name} disagree about block ${height} (${one.slice(0, 12)} and ${two.slice(0, 12)}); nothing is sent until they agree: remove the wrong one`
  } catch (error) {
    return `RPC ${a.endpoint.name} and RPC ${b.endpoint.name} cannot be compared at block ${height}: ${messageOf(error)}`
  }
}

function viewOf(answer: Answer, head: Header | undefined, clock: Clock): EndpointView {
  const { name } = answer.endpoint
  if ('error' in answer) {
    const state = isWrongChain(answer.error) ? 'wrong' : 'down'
    return { name, state, says: messageOf(answer.error).split('\n')[0] ?? '' }
  }
  const { number, timestampSec } = answer.header
  const ageSec = Math.max(0, Math.round(clock.nowMs() / 1000 - timestampSec))
  const behind = head ? head.timestampSec - timestampSec : 0
  if (behind <= LAG_SEC) return { name, number, ageSec, state: 'ok' }
  return { name, number, ageSec, state: 'lagging', says: `RPC ${name} is ${behind} s behind` }
}

function isWrongChain(error: unknown): boolean {
  return isFishermanError(error) && error.code === 'rpc-wrong-chain'
}
