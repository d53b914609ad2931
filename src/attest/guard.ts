import { Level } from 'level'
import { FishermanError, messageOf } from '../base/errors.ts'

/**
 * Remembers, on disk and for ever, what this key has said: one seal and one answer for one sample, one vote for one fault. Asked before
 * each signature; the entry is synced before the signature exists, so that a crash can only lose a statement, never make two.
 */
export interface Guard {
  /** Returns when `digest` may be signed under `key`; saying the same again is allowed, saying something else throws `guard-refused`. */
  admit(key: string, digest: string): Promise<void>
  close(): Promise<void>
}

const OWNER = 'owner'

/** Opens the guard of one signer; a folder made for another key is refused. */
export async function openGuard(folder: string, owner: string): Promise<Guard> {
  const db = new Level<string, string>(folder)
  try {
    await db.open()
  } catch (cause) {
    const locked = (cause as { cause?: { code?: string } }).cause?.code === 'LEVEL_LOCKED'
    throw new FishermanError({
      code: locked ? 'guard-locked' : 'guard-open',
      message: locked
        ? `another fisherman is running on ${folder}; stop it first, one key must never sign in two places`
        : `cannot open the signing guard ${folder} (${messageOf(cause)})`,
      blame: 'ours',
      cause,
    })
  }
  const known = await db.get(OWNER)
  if (known !== undefined && known !== owner) {
    await db.close()
    throw new FishermanError({
      code: 'guard-owner',
      message: `the signing guard ${folder} belongs to ${known}, not to ${owner}; use that key or another data folder`,
      blame: 'ours',
    })
  }
  if (known === undefined) await db.put(OWNER, owner, { sync: true } as object)

  // One at a time: two callers with the same key must not both find it empty.
  let last: Promise<unknown> = Promise.resolve()
  return {
    admit(key, digest) {
      const turn = last.then(async () => {
        const said = await db.get(`said/${key}`)
        if (said === digest) return
        if (said !== undefined)
          throw new FishermanError({
            code: 'guard-refused',
            message: `this key has already signed another ${key.split('/')[0]} for ${key}`,
            blame: 'ours',
            details: { key },
          })
        await db.put(`said/${key}`, digest, { sync: true } as object)
      })
      last = turn.catch(() => undefined)
      return turn
    },
    async close() {
      await last
      await db.close()
    },
  }
}
