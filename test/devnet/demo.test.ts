import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BEHAVIOUR_NAMES } from '../../src/cli/devnet.options.ts'
import { startChild, whenReady } from '../../src/devnet/children.ts'
import { copyBundles, openDemoFolder } from '../../src/devnet/demo-folder.ts'
import { resultJson, resultTable, tokensText } from '../../src/devnet/demo-report.ts'
import { standingsOf } from '../../src/devnet/demo-watch.ts'
import { type Standing, unmet, wronged } from '../../src/devnet/expectations.ts'
import { BEHAVIOURS, type Behaviour } from '../../src/devnet/work.ts'
import { hash } from '../helpers/fixtures.ts'

const address = `0x${'ab'.repeat(20)}` as const
const D2 = { faultClass: 'D2', tx: hash(1), gasUsed: 300_000n, taken: 10n * 10n ** 18n } as const

function standing(behaviour: Behaviour, changes: Partial<Standing> = {}): Standing {
  const counts = { receipts: 6, checked: 12, pass: 12, fail: 0, inconclusive: 0, withheld: 0 }
  return { behaviour, address, ...counts, convictions: [], ...changes }
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-demo-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('what each node deserves', () => {
  it.each<[string, Standing, number | undefined, RegExp | undefined]>([
    ['an honest node whose receipts all passed', standing('honest'), 6, undefined],
    ['an honest node before its last receipt', standing('honest'), undefined, /has not published all/],
    ['an honest node with unseen receipts', standing('honest', { receipts: 5 }), 6, /only 5 of the 6 receipts of honest/],
    ['an honest node with unchecked receipts', standing('honest', { checked: 4 }), 6, /only 4 checks of the 6 receipts/],
    ['an honest node that was failed', standing('honest', { fail: 1 }), 6, /only does honest work, but 1 checks failed it/],
    ['an honest node in doubt', standing('honest', { inconclusive: 1 }), 6, /1 were inconclusive/],
    ['an honest node convicted', standing('honest', { convictions: [D2] }), 6, /convicted of D2, which it did not deserve/],
    ['a frozen picture convicted', standing('freeze', { fail: 3, convictions: [D2] }), 6, undefined],
    [
      'a frozen picture only failed',
      standing('freeze', { fail: 3 }),
      6,
      /freeze was not convicted of D2 \(6 receipts, 12 checks, 3 failed\)/,
    ],
    [
      'pass-through convicted of another class',
      standing('passthrough', { convictions: [D2] }),
      6,
      /not convicted of O3, only of D2/,
    ],
    ['an upscale that failed', standing('upscale', { fail: 1 }), 6, undefined],
    ['an upscale that passed', standing('upscale'), 6, /upscale was never failed/],
    ['an upscale convicted', standing('upscale', { fail: 1, convictions: [D2] }), 6, /did not deserve/],
    ['a withholder found', standing('withhold', { withheld: 2, pass: 0 }), 6, undefined],
    ['a withholder not found', standing('withhold'), 6, /never found to withhold/],
    ['a withholder failed', standing('withhold', { withheld: 2, fail: 1 }), 6, /bytes that are missing are no proof/],
  ])('%s', (_name, given, published, expected) => {
    if (expected) expect(unmet(given, published)).toMatch(expected)
    else expect(unmet(given, published)).toBeUndefined()
  })

  it('only an undeserved accusation is wrong for good', () => {
    expect(BEHAVIOURS.flatMap((behaviour) => wronged(standing(behaviour)) ?? [])).toEqual([])
    expect(wronged(standing('withhold', { fail: 1 }))).toBeDefined()
    expect(wronged(standing('replay', { fail: 9, inconclusive: 3 }))).toBeUndefined()
  })

  it('counts receipts once and checks of all fishermen', () => {
    const counts = { receipts: 6, checked: 3, pass: 1, fail: 1, inconclusive: 1, withheld: 0 }
    const summary = { peers: 3, checked: 3, statementsSent: 1, statementsReceived: 2, orchestrators: { [address]: counts } }
    const open = {
      transcoder: address,
      state: 'open',
      faultClass: 'D2',
      faultId: hash(2),
      receiptDigest: hash(3),
      tx: hash(4),
      blockNumber: 1n,
    } as const
    const [seen] = standingsOf([{ behaviour: 'replay', address }], [summary, summary], [open])
    expect(seen).toMatchObject({ receipts: 6, checked: 6, pass: 2, fail: 2, inconclusive: 2, convictions: [] })
    const done = { ...open, state: 'convicted', amount: 5n, gasUsed: 7n } as const
    expect(standingsOf([{ behaviour: 'replay', address }], [], [done])[0]?.convictions).toEqual([
      { faultClass: 'D2', tx: hash(4), gasUsed: 7n, taken: 5n },
    ])
  })
})

describe('report', () => {
  const result = {
    ok: true,
    standings: [standing('replay', { fail: 3, convictions: [D2] }), standing('honest')],
    fishermen: [{ address, peers: 3, checked: 5, statementsSent: 9, statementsReceived: 8 }],
    ...{ seconds: 77, unmet: [], bundles: [] },
  } as const

  it('is the object that was promised, and nothing else', () => {
    expect(JSON.parse(JSON.stringify(resultJson(result)))).toEqual({
      ok: true,
      orchestrators: [
        {
          ...{ behaviour: 'replay', address, receipts: 6, checked: 12, pass: 12, fail: 3, inconclusive: 0, withheld: 0 },
          ...{ expected: 'convicted', convicted: true, faultClass: 'D2', tx: hash(1), taken: '10000000000000000000' },
        },
        {
          ...{ behaviour: 'honest', address, receipts: 6, checked: 12, pass: 12, fail: 0, inconclusive: 0, withheld: 0 },
          ...{ expected: 'clean', convicted: false },
        },
      ],
      fishermen: [{ address, peers: 3, checked: 5, statementsSent: 9, statementsReceived: 8 }],
      seconds: 77,
    })
  })

  it('is a table with every column of the issue', () => {
    const [head, first] = resultTable(result.standings).split('\n')
    for (const name of ['orchestrator', 'behaviour', 'receipts', 'inconclusive', 'fault class', 'transaction', 'gas', 'taken'])
      expect(head).toContain(name)
    const short = (hex: string) => `${hex.slice(0, 8)}…${hex.slice(-4)}`
    expect(first).toMatch(new RegExp(`${short(address)}.*replay.*D2.*${short(hash(1))}.*300000.*10 LPT`))
    expect(first?.length).toBeLessThanOrEqual(140)
  })

  it('writes tokens short', () => {
    expect([0n, 1n, 10n ** 18n, 15n * 10n ** 17n, 30n * 10n ** 18n].map(tokensText)).toEqual(['0', '0', '1', '1.5', '30'])
  })

  it('declares every behaviour in the light file too', () => {
    expect(BEHAVIOUR_NAMES).toEqual(BEHAVIOURS)
  })
})

describe('evidence bundles', () => {
  it('are copied once each and replace those of the last demo, nothing else', async () => {
    const [a, b, target] = ['a', 'b', 'target'].map((name) => join(folder, name)) as [string, string, string]
    for (const dir of [a, b]) await mkdir(join(dir, 'bundles'), { recursive: true })
    await writeFile(join(a, 'bundles/1.fishbundle'), 'one')
    await writeFile(join(b, 'bundles/1.fishbundle'), 'one and more')
    await writeFile(join(b, 'bundles/2.fishbundle'), 'two')
    await writeFile(join(b, 'bundles/2.fishbundle.part'), 'half')
    expect(await copyBundles([a, b, join(folder, 'none')], target)).toEqual([
      join(target, '1.fishbundle'),
      join(target, '2.fishbundle'),
    ])
    expect(await readFile(join(target, '1.fishbundle'), 'utf8')).toBe('one and more')
    await writeFile(join(target, 'mine.txt'), 'keep me')
    await rm(join(b, 'bundles/2.fishbundle'))
    expect((await copyBundles([a, b], target)).length).toBe(1)
    expect((await readdir(target)).filter((name) => !name.startsWith('.')).sort()).toEqual(['1.fishbundle', 'mine.txt'])
  })

  it('never go into a folder of somebody else', async () => {
    const target = join(folder, 'foreign')
    await mkdir(target)
    await writeFile(join(target, 'x.fishbundle'), 'theirs')
    await expect(copyBundles([], target)).rejects.toThrow(/holds files that no demo made; move it away/)
    expect(await readFile(join(target, 'x.fishbundle'), 'utf8')).toBe('theirs')
  })
})

const alive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('processes', () => {
  it('end when the one that started them is killed, and the folder goes too', async () => {
    const script = join(folder, 'parent.ts')
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const program = join(folder, 'program.mjs')
    await writeFile(
      program,
      "console.log(process.pid); setInterval(() => {}, 1000); process.on('SIGTERM', () => process.exit(0))",
    )
    await writeFile(
      script,
      `import { startChild } from '${root}src/devnet/children.ts'
       import { openDemoFolder } from '${root}src/devnet/demo-folder.ts'
       const { path } = await openDemoFolder()
       startChild({ name: 'x', args: [], logFile: path + '/x.log', program: '${program}' })
       console.log(path)
       setInterval(() => {}, 1000)`,
    )
    const bundle = join(folder, 'parent.mjs')
    const banner = { js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);" }
    await build({
      ...{ entryPoints: [script], outfile: bundle, bundle: true, platform: 'node', format: 'esm', banner },
      nodePaths: [join(root, 'node_modules')],
    })
    const parent = spawn(process.execPath, [bundle], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [path] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
    const read = () => readFile(join(path, 'x.log'), 'utf8').catch(() => '')
    await expect.poll(read, { timeout: 5000 }).toMatch(/\d+/)
    const pid = Number(await read())
    expect(alive(pid)).toBe(true)
    parent.kill('SIGKILL')
    await expect.poll(() => alive(pid), { timeout: 5000 }).toBe(false)
    await expect.poll(() => existsSync(path), { timeout: 10_000 }).toBe(false)
  }, 30_000)

  it('that do not listen are made to end, with what they started', async () => {
    const program = join(folder, 'stubborn.mjs')
    await writeFile(
      program,
      `import { spawn } from 'node:child_process'
       process.on('SIGTERM', () => {})
       const child = spawn('sleep', ['100'])
       console.log(child.pid)
       setInterval(() => {}, 1000)`,
    )
    const logFile = join(folder, 'stubborn.log')
    const child = startChild({ name: 'stubborn', args: [], logFile, program })
    const read = () => readFile(logFile, 'utf8').catch(() => '')
    await expect.poll(read, { timeout: 5000 }).toMatch(/\d+/)
    const grandchild = Number(await read())
    expect(alive(grandchild)).toBe(true)
    await child.stop()
    expect(child.exitCode()).toBe(-1)
    await expect.poll(() => alive(grandchild), { timeout: 2000 }).toBe(false)
  }, 20_000)

  it('that end before they are ready are named with their last words', async () => {
    const program = join(folder, 'short.mjs')
    await writeFile(program, "console.error('no such key'); process.exit(3)")
    const child = startChild({ name: 'fisherman-9', args: [], logFile: join(folder, 'short.log'), program })
    const ready = whenReady(child, folder, { signal: new AbortController().signal, timeoutMs: 10_000 })
    await expect(ready).rejects.toThrow(/fisherman-9 ended with code 3; its last line: no such key/)
  })

  it('a closed folder is gone, a kept one stays', async () => {
    const gone = await openDemoFolder()
    await gone.close(false)
    expect(existsSync(gone.path)).toBe(false)
    const kept = await openDemoFolder()
    await kept.close(true)
    expect(existsSync(join(kept.path, 'logs'))).toBe(true)
    await rm(kept.path, { recursive: true })
  })
})
