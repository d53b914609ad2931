/** Words that are shared; beyond it all are forgotten once, and some stand twice. */
const WORDS = 10_000

/** Strings that are held for long, as addresses and reasons in many records are: each once. */
export interface Words {
  one<T extends string>(text: T): T
}

export function createWords(most = WORDS): Words {
  const words = new Map<string, string>()
  return {
    one<T extends string>(text: T): T {
      const known = words.get(text)
      if (known !== undefined) return known as T
      const own = flat(text)
      if (words.size >= most) words.clear()
      words.set(own, own)
      return own
    },
  }
}

/**
 * The same characters in one piece. A string that was put together of parts, or cut out of a longer one, is held by V8 as just that: 66 hexadecimal
 * digits that were added byte by byte take a kilobyte, and a part keeps the whole alive.
 */
export function flat<T extends string>(text: T): T {
  return Buffer.from(text, 'utf8').toString('utf8') as T
}
