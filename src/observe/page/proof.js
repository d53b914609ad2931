// The browser's own check that an entry is in the log: SHA-256 as RFC 6962 has it, the path as in RFC 9162, 2.1.3.2.

const bytesOf = (hex) => Uint8Array.from(hex.slice(2).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
const hexOf = (bytes) => `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`

async function hash(prefix, ...parts) {
  const all = new Uint8Array(1 + parts.reduce((sum, part) => sum + part.length, 0))
  all[0] = prefix
  let at = 1
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all))
}

/** True where text, number and path lead to the root; undefined where the browser cannot hash (no https, not localhost). */
export async function isIncluded({ text, seq, size, path, root }) {
  if (!globalThis.crypto?.subtle) return undefined
  let node = await hash(0, new TextEncoder().encode(text))
  let [at, last] = [seq, size - 1]
  const half = (n) => Math.floor(n / 2)
  for (const sibling of path.map(bytesOf)) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      node = await hash(1, sibling, node)
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else node = await hash(1, node, sibling)
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && hexOf(node) === root
}
