import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Slots } from '../../src/base/slots.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'bin/fisherman.mjs')

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/)
const count = z.number().int().min(0)
/** The object that `--json` promises. */
const shape = z.object({
  ok: z.boolean(),
  orchestrators: z.array(
    z.object({
      behaviour: z.string(),
      address,
      receipts: count,
      checked: count,
      pass: count,
      fail: count,
      inconclusive: count,
      withheld: count,
      expected: z.string(),
      convicted: z.boolean(),
      faultClass: z.string().optional(),
      tx: z.string().optional(),
      taken: z.string().optional(),
    }),
  ),
  fishermen: z.array(z.object({ address, peers: count, checked: count, statementsSent: count, statementsReceived: count })),
  seconds: z.number(),
})

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'fisherman-test-demo-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

function demo(args: readonly string[]) {
  // Its temporary folders go here, so that what is left behind can be seen.
  return spawn(process.execPath, [program, 'demo', ...args], {
    cwd: home,
    env: { ...process.env, TMPDIR: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function finished(
  child: ChildProcessByStdio<null, Readable, Readable>,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}

/** Processes whose command line names our temporary folder. */
function left(): string {
  return execFileSync('sh', ['-c', `ps -eo args | grep -F ${home} | grep -v grep || true`], { encoding: 'utf8' })
}

describe('fisherman demo', () => {
  it('convicts the cheats, accuses nobody else, and leaves only the evidence', async () => {
    const { code, stdout, stderr } = await finished(demo(['--json', '--seconds', '240']))
    expect(code, stderr).toBe(0)
    const result = shape.parse(JSON.parse(stdout))
    const of = (behaviour: string) => result.orchestrators.find((node) => node.behaviour === behaviour)
    expect(result.ok).toBe(true)
    expect(of('passthrough')).toMatchObject({ convicted: true, faultClass: 'O3', tx: expect.stringMatching(/^0x/) })
    expect(of('equivocate')).toMatchObject({ convicted: true, faultClass: 'O1' })
    expect(of('replay')).toMatchObject({ convicted: true, faultClass: 'D2' })
    expect(of('freeze')).toMatchObject({ convicted: true, faultClass: 'D2' })
    expect(of('upscale')).toMatchObject({ convicted: false })
    expect(of('upscale')?.fail).toBeGreaterThan(0)
    expect(of('withhold')).toMatchObject({ convicted: false, fail: 0 })
    expect(of('withhold')?.withheld).toBeGreaterThanOrEqual(3)
    expect(of('honest')).toMatchObject({ convicted: false, fail: 0, inconclusive: 0, withheld: 0 })
    // How often each is looked at is drawn by keys made anew: the demo ends when each of the five receipts was checked by somebody.
    expect(of('honest')).toMatchObject({ receipts: 5, checked: of('honest')?.pass })
    expect(of('honest')?.pass).toBeGreaterThanOrEqual(5)
    expect(result.fishermen).toHaveLength(4)
    for (const fisherman of result.fishermen) {
      expect(fisherman.peers).toBe(3)
      expect(fisherman.checked).toBeGreaterThan(0)
      expect(fisherman.statementsReceived).toBeGreaterThan(0)
    }
    const bundles = readdirSync(join(home, 'fisherman-demo')).filter((name) => name.endsWith('.fishbundle'))
    expect(bundles.length).toBeGreaterThanOrEqual(4)
    const contents = bundles.map((name) => execFileSync('tar', ['-tf', join(home, 'fisherman-demo', name)], { encoding: 'utf8' }))
    // Whoever has one of these files, and nothing else, comes to the same verdict. Two at a time: there are some twenty, of seconds each.
    const slots = new Slots(2)
    const replay = async (name: string) => {
      const child = spawn(process.execPath, [program, 'replay', join(home, 'fisherman-demo', name), '--json'], {
        ...{ cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
      })
      const { code, stdout, stderr } = await finished(child)
      expect(code, `${name}: ${stdout}${stderr}`).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ reproduced: true })
    }
    await Promise.all(bundles.map((name) => slots.run(() => replay(name))))
    const withPicture = contents.filter((names) => names.includes('inputs/source.bin') && names.includes('notes/sheet.png'))
    expect(withPicture.length).toBeGreaterThanOrEqual(1)
    expect(readdirSync(home)).toEqual(['fisherman-demo'])
    expect(left()).toBe('')
  }, 280_000)

  it('leaves no process and no folder when it is stopped in the middle', async () => {
    const before = readdirSync(home)
    const child = demo([])
    const end = finished(child)
    for (let i = 0; i < 300 && !readdirSync(home).some((name) => existsSync(join(home, name, 'logs', 'fisherman-4.log'))); i++)
      await new Promise((resolve) => setTimeout(resolve, 200))
    expect(left()).not.toBe('')
    child.kill('SIGINT')
    const { code, stderr } = await end
    expect(code).not.toBe(0)
    expect(stderr).toContain('stopped')
    expect(left()).toBe('')
    expect(readdirSync(home)).toEqual(before)
  }, 120_000)

  it('says what is wrong with its video', async () => {
    const { code, stderr } = await finished(demo(['--video', join(home, 'nowhere.mp4')]))
    expect(code).toBe(2)
    expect(stderr).toMatch(/nowhere\.mp4/)
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^fisherman demo: /)
  }, 60_000)
})
