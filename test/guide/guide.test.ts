import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingOf, type Step, stepsOf } from './guide.ts'
import { createNewcomer, type Newcomer, processesIn } from './home.ts'
import { openTerminal, type Terminal } from './terminal.ts'

const TEXT = readFileSync(new URL('../../GUIDE.md', import.meta.url), 'utf8')
/** Milliseconds for what a step promises; a newcomer with a busy machine waits as long. */
const PATIENCE_MS = 120_000
/** A person looks again after a few seconds; each look costs a second of CPU, and two cores carry the whole network. */
const AGAIN_MS = 3_000

describe('the guide is read', () => {
  it('as blocks with terminals, repeats, and what appears', () => {
    const text = '```sh\n# Ctrl-C in terminal 3\n# terminal 2\na\nb   # again, until it is so\n```\n```text\nx … z\n```\n'
    expect(stepsOf(text)).toEqual([
      {
        ...{ at: 1, terminal: 2, interrupts: 3, promised: ['x … z'] },
        typed: [
          { line: 'a', isRepeated: false },
          { line: 'b   # again, until it is so', isRepeated: true },
        ],
      },
    ])
  })

  it.each([
    ['```sh\n# as you like\n```', /nobody knows what "# as you like" means/],
    ['```yaml\na: 1\n```', /must be of sh or text/],
    ['```sh\na\n```\nProse.\n```text\nx\n```', /appears after nothing/],
    ['```sh\na\n', /has no end/],
  ])('refuses %j', (text, why) => {
    expect(() => stepsOf(text)).toThrow(why)
  })

  it('with promised lines in order, spaces as one, and … for anything', () => {
    expect(missingOf(['a … c', '… e'], 'before\na  bb   c\nd e\n')).toBeUndefined()
    expect(missingOf(['d e', 'a … c'], 'a b c\nd e\n')).toBe('a … c')
    expect(missingOf(['a'], 'ab\n')).toBe('a')
    expect(missingOf(['1.5 (x)'], '1x5 (x)\n')).toBe('1.5 (x)')
  })

  it('and hides no command outside of its blocks', () => {
    expect(TEXT.split('\n').filter((line) => /^ {4}\S/.test(line))).toEqual([])
    expect(stepsOf(TEXT).length).toBeGreaterThan(20)
  })
})

describe('a newcomer who follows the guide word by word', () => {
  let newcomer: Newcomer
  const terminals = new Map<number, Terminal>()
  beforeAll(() => {
    newcomer = createNewcomer()
  })
  afterAll(async () => {
    for (const terminal of terminals.values()) await terminal.close()
    newcomer?.remove()
  })

  const terminal = (number: number): Terminal => {
    const open = terminals.get(number) ?? openTerminal({ cwd: newcomer.project, env: newcomer.env })
    terminals.set(number, open)
    return open
  }

  async function follow({ terminal: number, interrupts, typed, promised }: Step): Promise<void> {
    // The code of whoever ran it: newer versions of npx say 130 of a program that was interrupted, even where it ended well.
    if (interrupts !== undefined) expect([0, 130]).toContain(await terminal(interrupts).interrupt(PATIENCE_MS))
    const place = terminal(number)
    const before = place.shown().length
    const output = () => place.shown().slice(before)
    if (number !== 1) {
      for (const { line } of typed) place.leave(line)
      await place.until(() => missingOf(promised, output()) === undefined, PATIENCE_MS)
    } else
      for (const { line, isRepeated } of typed) {
        const end = performance.now() + PATIENCE_MS
        for (;;) {
          const code = await place.type(line, PATIENCE_MS)
          if (!isRepeated) expect(code, `exit code of ${line}\n${output()}`).toBe(0)
          if (!isRepeated || missingOf(promised, output()) === undefined || performance.now() > end) break
          await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
        }
      }
    const missing = missingOf(promised, output())
    if (missing !== undefined) throw new Error(`"${missing}" did not appear:\n${output().slice(-5000)}`)
  }

  it('finds a fraud, restores, upgrades and leaves nothing behind', { timeout: 600_000 }, async () => {
    // Lines of this page remove folders of a home: it must be the empty one.
    await terminal(1).type('echo "home is $HOME"', 10_000)
    expect(terminal(1).shown()).toContain(`home is ${newcomer.home}\n`)
    for (const step of stepsOf(TEXT)) {
      const startMs = performance.now()
      try {
        await follow(step)
      } catch (error) {
        throw new Error(`GUIDE.md, line ${step.at}: ${error instanceof Error ? error.message : String(error)}`)
      }
      if (process.env.GUIDE_TIMES) console.log(`line ${step.at}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
    }
    for (const folder of ['.config', '.local/share', '.cache'])
      expect(readdirSync(join(newcomer.home, folder))).not.toContain('fisherman')
    expect(existsSync(join(newcomer.project, 'devnet'))).toBe(false)
    expect(processesIn(newcomer.path)).toEqual([])
  })
})
