import type { Hex } from '../../proofs/types.ts'
import { type Clock, deadline, sleep } from '../base/clock.ts'
import { FishermanError, maskCredentials, messageOf } from '../base/errors.ts'
import { readUpTo } from '../base/http-get.ts'
import type { Logger } from '../base/log.ts'

/** Public randomness by the clock. */
export interface Drand {
  /** The value of the first round at or after this time, as soon as it is out; asks until it is. Rejects when the signal fires. */
  at(timestampSec: number, options: { signal: AbortSignal }): Promise<Hex>
}

export interface DrandInit {
  /** HTTP relays, asked one after the other: none of them is trusted. */
  urls: readonly string[]
  chainHash: string
  /** Milliseconds between two looks for a round that is not out. Default 1,000. */
  retryMs?: number
}

export interface DrandDeps {
  clock: Clock
  log: Logger
  roundAt(timestampSec: number): number
  timeOfRound(round: number): number
  verify(round: number, signature: Hex): boolean
  randomness(signature: Hex): Hex
  /** A relay did not answer, or answered what the network never signed. */
  onBad?(reason: 'silent' | 'lie'): void
}

/** An answer is 250 bytes. */
const MAX_BYTES = 4_096
const TIMEOUT_MS = 5_000
const SIGNATURE = /^[0-9a-f]{96}$/
/** Rounds remembered: those of an hour of windows. */
const REMEMBERED = 128

export function createDrand(init: DrandInit, deps: DrandDeps): Drand {
  const { clock, log } = deps
  const retryMs = init.retryMs ?? 1_000
  const known = new Map<number, Promise<Hex>>()

  async function ask(url: string, round: number, signal: AbortSignal): Promise<Hex | undefined> {
    const response = await fetch(`${url.replace(/\/$/, '')}/${init.chainHash}/public/${round}`, {
      signal: deadline(TIMEOUT_MS, signal),
      redirect: 'error',
    })
    // 404 and 425: not out yet, as far as this relay knows.
    if (!response.ok) {
      await response.body?.cancel()
      return undefined
    }
    const { signature } = JSON.parse(await shortText(response)) as { signature?: unknown }
    if (typeof signature !== 'string' || !SIGNATURE.test(signature) || !deps.verify(round, `0x${signature}`))
      throw new FishermanError({ code: 'drand-lie', message: 'the relay gave what the network never signed', blame: 'theirs' })
    return `0x${signature}`
  }

  async function find(round: number, signal: AbortSignal): Promise<Hex> {
    for (let first = 0; ; first++) {
      const early = deps.timeOfRound(round) * 1_000 - clock.nowMs()
      if (early > 0) await sleep(early, signal)
      for (let i = 0; i < init.urls.length; i++) {
        // Each try begins with another relay, so that one that hangs costs everybody a timeout only now and then.
        const url = init.urls[(first + i) % init.urls.length] as string
        try {
          const signature = await ask(url, round, signal)
          if (signature) return deps.randomness(signature)
        } catch (error) {
          signal.throwIfAborted()
          const isLie = error instanceof FishermanError && error.code === 'drand-lie'
          deps.onBad?.(isLie ? 'lie' : 'silent')
          log[isLie ? 'warn' : 'debug']('A drand relay is of no use', {
            url: maskCredentials(url),
            round,
            error: messageOf(error),
          })
        }
      }
      await sleep(retryMs, signal)
    }
  }

  return {
    at(timestampSec, { signal }) {
      const round = deps.roundAt(timestampSec)
      const before = known.get(round)
      if (before) return before
      const finding = find(round, signal)
      known.set(round, finding)
      finding.catch(() => known.delete(round))
      if (known.size > REMEMBERED) known.delete(known.keys().next().value as number)
      return finding
    },
  }
}

async function shortText(response: Response): Promise<string> {
  const { body, isWhole } = await readUpTo(response, MAX_BYTES)
  if (!isWhole) throw new FishermanError({ code: 'drand-long', message: 'the answer is too long', blame: 'theirs' })
  return body.toString('utf8')
}
