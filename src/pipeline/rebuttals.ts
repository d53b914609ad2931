import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import { httpGet } from '../base/http-get.ts'
import { keccakOf } from '../base/keccak.ts'
import { namesBeyondNewest } from '../base/newest-files.ts'
import type { CaseView } from '../chain/types.ts'
import { MAX_REBUTTAL_BYTES, publishRebuttal, REBUTTAL_SUFFIX, readRebuttal, rebuttalPath } from '../feed/rebuttals.ts'
import type { Bench } from './bench.ts'

/** What accused nodes say, kept to be shown beside the accusation. */
export interface Rebuttals {
  /** Fetches what a case names, once; tries again for a while where the node does not serve it. Never throws. */
  note(view: Pick<CaseView, 'faultId' | 'receiptDigest' | 'rebuttalHash'>): void
}

const TIMEOUT_MS = 10_000
/** A node answers when it has put its words online, which may be later; after this many tries it has not. */
const TRIES = 6
const AGAIN_MS = 30_000
/** Rebuttals that are kept; the oldest go first. 64 MB at most. */
const MOST = 1_000

export function createRebuttals(
  { folder }: { folder: string },
  { ledger, later, logger, signal }: Pick<Bench, 'ledger' | 'later' | 'logger' | 'signal'>,
): Rebuttals {
  const seen = new Set<Hex>()

  async function fetchOne(faultId: Hex, hash: Hex, url: string, tries: number): Promise<void> {
    try {
      if ((await readRebuttal(folder, hash)) !== undefined) return
      const address = `${url.replace(/\/+$/, '')}${rebuttalPath(hash)}`
      const bytes = await httpGet(address, { maxBytes: MAX_REBUTTAL_BYTES, timeoutMs: TIMEOUT_MS, signal })
      if ((await keccakOf(bytes)) !== hash) throw new Error('the words are not those whose hash stands on the chain')
      await publishRebuttal(folder, hash, bytes)
      for (const name of await namesBeyondNewest(folder, REBUTTAL_SUFFIX, MOST)) await rm(join(folder, name), { force: true })
      logger.info('The accused answered', { faultId, rebuttalHash: hash })
    } catch (error) {
      if (signal.aborted) return
      if (tries < TRIES) return later(AGAIN_MS * 2 ** (tries - 1), 'rebuttal', () => fetchOne(faultId, hash, url, tries + 1))
      logger.info('The rebuttal of a case is not to be had', { faultId, rebuttalHash: hash, reason: messageOf(error) })
    }
  }

  return {
    note({ faultId, receiptDigest, rebuttalHash }) {
      if (rebuttalHash === undefined || seen.has(rebuttalHash)) return
      const url = ledger.receipt(receiptDigest)?.feed.url
      if (url === undefined) return
      seen.add(rebuttalHash)
      if (seen.size > MOST) seen.delete(seen.values().next().value as Hex)
      later(0, 'rebuttal', () => fetchOne(faultId, rebuttalHash, url, 1))
    },
  }
}

/** The words of a rebuttal as text, or undefined; whatever is not valid UTF-8 in it is replaced. */
export async function rebuttalText(folder: string, hash: Hex): Promise<string | undefined> {
  const bytes = await readRebuttal(folder, hash)
  return bytes && new TextDecoder().decode(bytes)
}
