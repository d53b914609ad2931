import { playlistFault } from './errors.ts'

/** Attributes of one tag at most; the longest tag of RFC 8216 has about twenty. */
const MOST = 40
const PAIR = /([A-Z0-9-]{1,64})=("[^"\r\n]*"|[^",\s][^",]*)(?:,|$)/y

/** Reads an attribute list (RFC 8216, 4.2). A name that comes twice, or anything between the pairs, is refused. Quotes are taken off. */
export function readAttributes(text: string, line: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  PAIR.lastIndex = 0
  // A comma at the end would promise one more.
  if (text.endsWith(',')) throw playlistFault('playlist-syntax', 'an attribute list ends with a comma', line)
  while (PAIR.lastIndex < text.length) {
    const match = PAIR.exec(text)
    if (!match) throw playlistFault('playlist-syntax', 'what follows the colon is no list of NAME=value', line)
    const [, name = '', value = ''] = match
    if (found.has(name)) throw playlistFault('playlist-syntax', `${name} is given twice`, line)
    if (found.size >= MOST) throw playlistFault('playlist-size', `more than ${MOST} attributes`, line)
    found.set(name, value.startsWith('"') ? value.slice(1, -1) : value.trim())
  }
  return found
}
