import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TOPICS } from '../../src/cli/topics.ts'
import { type CliFolder, createCliFolder, refused } from './site.ts'

let folder: CliFolder
beforeAll(async () => {
  folder = await createCliFolder()
})
afterAll(() => folder?.remove())

describe('fisherman help', () => {
  it('lists commands and topics, and tells about each', async () => {
    const all = await folder.fisherman('help')
    expect(all.code).toBe(0)
    for (const name of Object.keys(TOPICS)) expect(all.out).toContain(`\n  ${name} `)
    expect((await folder.fisherman('help', 'keys')).out).toMatch(/^keys: what a key signs/)
    // A topic and a command of one name: what it is for, then how it is called.
    expect((await folder.fisherman('help', 'idle')).out).toMatch(/^idle: who earns.*\nUsage: fisherman idle.*--rounds <n>/s)
    expect((await folder.fisherman('help', 'case', 'answer')).out).toMatch(/^Usage: fisherman case answer/)
    expect(refused(await folder.fisherman('help', 'kays'))).toMatch(/there is no command or topic 'kays'; did you mean keys\?/)
  })
})

// A command that a text names and the program does not know is a broken promise.
describe('every command that our texts name is there', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const texts = [
    'README.md',
    'proofs/README.md',
    'proofs/THREATS.md',
    'src/observe/README.md',
    'src/config/README.md',
    'ops/prometheus/alerts.yml',
  ]
  const words = (text: string) =>
    [...text.matchAll(/(?:npx |`|^ +|type |; )fisherman ((?:[a-z]+ ?)+)(.*)$/gm)].map(([, names = '', rest = '']) => ({
      names: names.trim().split(' '),
      flags: [...(rest.split(/ # | {2,}#|`/)[0] ?? '').matchAll(/(?<= |^)--[a-z][a-z.-]*/g)].map(([flag]) => flag),
    }))
  const found = [
    ...texts.flatMap((path) => words(readFileSync(`${root}${path}`, 'utf8')).map((one) => ({ path, ...one }))),
    ...Object.entries(TOPICS).flatMap(([name, { text }]) => words(text).map((one) => ({ path: `help ${name}`, ...one }))),
  ]

  it('with its flags', { timeout: 120_000 }, async () => {
    const helps = new Map<string, Promise<{ code: number | null; out: string }>>()
    const help = (names: readonly string[]) => {
      const key = names.join(' ')
      const known = helps.get(key) ?? folder.fisherman('help', ...names)
      helps.set(key, known)
      return known
    }
    expect(found.length).toBeGreaterThan(30)
    for (const { path, names, flags } of found) {
      // Words of a sentence may follow: the longest beginning that is a command counts.
      let text: string | undefined
      for (let length = Math.min(2, names.length); length > 0 && text === undefined; length--) {
        const told = await help(names.slice(0, length))
        if (told.code === 0) text = told.out
      }
      expect(text, `${path}: fisherman ${names.join(' ')}`).toBeDefined()
      for (const flag of flags) {
        // Any key of the configuration may be a flag of run.
        if (names[0] === 'run' || names[0] === 'config' || names[0] === 'init') continue
        expect(text, `${path}: fisherman ${names.join(' ')} ${flag}`).toMatch(new RegExp(`${flag}\\b`))
      }
    }
  })
})
