import { createHash, timingSafeEqual } from 'node:crypto'
import { FishermanError, messageOf } from '../base/errors.ts'
import { readOwnersFile } from '../base/private-file.ts'

/** Who may donate: a name for each token. */
export interface Donors {
  /** The donor of an Authorization header; undefined for nobody. Takes as long for a wrong token as for a right one. */
  of(header: string | undefined): string | undefined
  names(): readonly string[]
}

const LINE = /^([a-z0-9-]{1,32})\s+([A-Za-z0-9._~+/=-]{32,512})$/
const MOST = 1_000

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Reads `<name> <token>` lines; nobody but its owner may read the file. Empty lines and those that begin with # are left out. */
export function readDonors(file: string): Donors {
  try {
    const lines = readOwnersFile(file).split('\n')
    const found = lines.flatMap((line, i) => {
      const text = line.trim()
      if (text === '' || text.startsWith('#')) return []
      const [, name, token] = LINE.exec(text) ?? []
      if (!name || !token) throw new Error(`line ${i + 1} must be a name, a space and a token of at least 32 characters`)
      return [{ name, token }]
    })
    if (found.length === 0 || found.length > MOST) throw new Error(`names ${found.length} donors; 1 to ${MOST} are possible`)
    if (
      new Set(found.map(({ name }) => name)).size < found.length ||
      new Set(found.map(({ token }) => token)).size < found.length
    )
      throw new Error('a name or token is there twice')
    return donorsOf(found)
  } catch (cause) {
    const message = `the token file ${file}: ${messageOf(cause)}`
    throw new FishermanError({ code: 'donor-tokens', message, blame: 'ours', cause })
  }
}

export function donorsOf(list: readonly { name: string; token: string }[]): Donors {
  const known = list.map(({ name, token }) => ({ name, digest: digest(token) }))
  return {
    names: () => known.map(({ name }) => name),
    of(header) {
      const given = digest(/^Bearer (\S{1,512})$/i.exec(header ?? '')?.[1] ?? '')
      let found: string | undefined
      // All are compared, so that time tells nothing.
      for (const one of known) if (timingSafeEqual(one.digest, given)) found = one.name
      return found
    },
  }
}
