import { FishermanError, messageOf } from '../base/errors.ts'
import { readOwnersFile } from '../base/private-file.ts'

/** Shorter ones can be guessed. */
const SHORTEST = 16
const LONGEST = 512

/** The token that other machines need, from its file; nobody but its owner may read that. */
export function readToken(file: string | undefined): { token?: string } {
  const token = readSecret(file, 'http.tokenFile')
  return token === undefined ? {} : { token }
}

/** A secret of one line from its file, by the key of the configuration that names it. */
export function readSecret(file: string | undefined, key: string): string | undefined {
  if (file === undefined) return undefined
  try {
    const token = readOwnersFile(file).trim()
    if (token.length < SHORTEST || token.length > LONGEST || /[\s;,"]/.test(token))
      throw new Error(`a token has ${SHORTEST} to ${LONGEST} characters, without spaces, commas, semicolons or quotes`)
    return token
  } catch (cause) {
    throw new FishermanError({ code: 'http-token', message: `${key} ${file}: ${messageOf(cause)}`, blame: 'ours', cause })
  }
}
