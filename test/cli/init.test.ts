import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { createKeystore, createPasswordFile, loadKeystore } from '../../src/attest/keys.ts'
import { initCommand } from '../../src/cli/init.ts'
import { loadConfig } from '../../src/config/load.ts'
import { fisherman } from '../monitor/watch-world.ts'

// The built program in a home of its own.

const home = mkdtempSync(join(tmpdir(), 'fisherman-test-init-'))
const at = (...parts: string[]) => join(home, ...parts)
const HOME = { HOME: home, XDG_CONFIG_HOME: at('config'), XDG_DATA_HOME: at('data'), XDG_CACHE_HOME: at('cache') }
const mode = (file: string) => statSync(file).mode & 0o777
const A = `0x${'1'.repeat(40)}`

afterAll(() => rmSync(home, { recursive: true, force: true }))
afterEach(() => vi.restoreAllMocks())

async function run(...args: string[]) {
  const started = fisherman(args, HOME)
  started.child.stdin.end()
  return { code: await started.done, out: started.out, err: started.err }
}

describe('fisherman init', { timeout: 60_000 }, () => {
  it('writes a configuration, a private data folder and a key, says what to type next, and never overwrites', async () => {
    const first = await run(
      'init',
      '--yes',
      '--mode',
      'active',
      '--rpc',
      'http://a/hush-hush,http://b',
      '--feeds',
      `${A}=http://f:1`,
    )
    expect([first.code, first.err]).toEqual([0, ''])
    const lines = first.out.trimEnd().split('\n')
    expect(lines.at(-1)).toBe('next, type: fisherman run --first-start')
    const file = at('config', 'fisherman', 'fisherman.yaml')
    const config = loadConfig(file, {}, {})
    expect(config).toMatchObject({
      ...{ mode: 'active', rpc: ['http://a/hush-hush', 'http://b'], dataDir: at('data', 'fisherman') },
      feeds: [{ transcoder: A, url: 'http://f:1' }],
      key: { file: at('data', 'fisherman', 'keys', 'answers.json') },
    })
    expect([mode(file), mode(config.dataDir)]).toEqual([0o600, 0o700])
    expect([mode(config.key!.file), mode(config.key!.passwordFile)]).toEqual([0o600, 0o600])
    const password = readFileSync(config.key!.passwordFile, 'utf8').trim()
    expect(password).toMatch(/^[\w-]{32}$/)
    expect(first.out).not.toContain(password)
    const shown = await run('config', 'show')
    expect(shown.code).toBe(0)
    expect(shown.out).not.toMatch(new RegExp(`${password}|hush-hush`))

    const before = readFileSync(file, 'utf8')
    const again = await run('init', '--yes')
    expect(again.code).toBe(2)
    expect(again.err).toMatch(/^fisherman init: .*fisherman\.yaml exists already and is not overwritten; .*\n$/)
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('can be begun again where it was stopped while the key was made', async () => {
    const begun = ['init', '--yes', '--mode', 'attest', '--config', at('stopped', 'f.yaml'), '--data-dir', at('stopped')]
    mkdirSync(at('stopped', 'keys'), { recursive: true, mode: 0o700 })
    writeFileSync(at('stopped', 'keys', 'answers.password'), 'from-an-earlier-try\n', { mode: 0o600 })
    const again = await run(...begun)
    expect([again.code, again.err]).toEqual([0, ''])
    const { key } = loadConfig(at('stopped', 'f.yaml'), {}, {})
    expect((await loadKeystore(key!.file, key!.passwordFile)).address).toMatch(/^0x/)
  })

  it('asks five questions, again after a wrong answer, and takes defaults', async () => {
    const said = ['', 'actve', 'attest', '', '', 'none']
    const asked: string[] = []
    vi.spyOn(console, 'log').mockReturnValue()
    const error = vi.spyOn(console, 'error').mockReturnValue()
    const ask = async (question: string) => {
      asked.push(question)
      return said.shift() ?? ''
    }
    const file = at('asked', 'fisherman.yaml')
    expect(await initCommand({ config: file, dataDir: at('asked', 'data') }, { ask })).toBe(0)
    expect(asked).toHaveLength(6)
    expect(error).toHaveBeenCalledExactlyOnceWith('must be one of observe, attest, dry-run, active')
    expect(loadConfig(file, {}, {})).toMatchObject({
      network: 'local',
      mode: 'attest',
      rpc: ['http://127.0.0.1:8545'],
      feeds: [],
    })
  })

  it.each([
    ['without a terminal', [], /no terminal to ask at; add --yes/],
    ['without the RPC of a public network', ['--yes', '--network', 'arbitrum-one'], /--rpc has no default here; say it/],
    ['with an unknown mode', ['--yes', '--mode', 'actve'], /--mode must be one of observe/],
    ['with a port that is none', ['--yes', '--http-port', 'x'], /http\.port/],
    ['with a feed that is none', ['--yes', '--feeds', 'http://x'], /--feeds must be 0xADDRESS=URL/],
  ])('refuses %s and makes nothing', async (_, args, reason) => {
    const file = at('none', 'fisherman.yaml')
    const ran = await run('init', '--config', file, '--data-dir', at('none'), ...args)
    expect([ran.code, ran.out]).toEqual([2, ''])
    expect(ran.err).toMatch(reason)
    expect(existsSync(at('none'))).toBe(false)
  })
})

describe('fisherman keys', { timeout: 60_000 }, () => {
  const RAW = 'ab'.repeat(32)

  /** A key as `keys new` makes it, but for the second of work. */
  async function quickKey(folder: string, name: string) {
    const key = { file: at(folder, `${name}.json`), passwordFile: at(folder, `${name}.password`) }
    mkdirSync(at(folder), { recursive: true, mode: 0o700 })
    await createPasswordFile(key.passwordFile)
    return { ...key, ...(await createKeystore({ ...key, light: true })) }
  }

  it('makes a key, lists it, copies it and never overwrites', async () => {
    const made = await run('keys', 'new', '--purpose', 'money', '--folder', at('k'), '--json')
    expect([made.code, made.err]).toEqual([0, ''])
    const { address, file, passwordFile } = JSON.parse(made.out)
    expect([mode(file), mode(passwordFile), mode(at('k'))]).toEqual([0o600, 0o600, 0o700])
    expect((await run('keys', 'new', '--purpose', 'money', '--folder', at('k'))).err).toMatch(
      /exists already and is not overwritten/,
    )
    const listed = await run('keys', 'list', '--folder', at('k'))
    expect(listed.code).toBe(0)
    expect(listed.out).toMatch(new RegExp(`^${address} +money +${file}$`, 'm'))
    const copied = await run('keys', 'export', at('copy.json'), '--purpose', 'money', '--folder', at('k'))
    expect([copied.code, readFileSync(at('copy.json'), 'utf8')]).toEqual([0, readFileSync(file, 'utf8')])
    expect(mode(at('copy.json'))).toBe(0o600)
  })

  it('takes a raw key only with --unsafe-raw, from a private file or standard input, and says it nowhere', async () => {
    writeFileSync(at('raw'), `0x${RAW}\n`, { mode: 0o600 })
    writeFileSync(at('open'), RAW, { mode: 0o644 })
    const to = (name: string) => ['--folder', at(name), '--from', at('raw')]
    const ran = [
      await run('keys', 'import', ...to('i1')),
      await run('keys', 'import', '--unsafe-raw', '--folder', at('i2'), '--from', at('open')),
      await run('keys', 'import', '--unsafe-raw', RAW),
      await run('keys', 'import', '--unsafe-raw', '--folder', at('i4')),
    ]
    expect(ran.map(({ code }) => code)).toEqual([2, 2, 2, 2])
    expect(ran[0]?.err).toMatch(/add --unsafe-raw/)
    expect(ran[1]?.err).toMatch(/can be read by others; type: chmod 600/)
    expect(ran[3]?.err).toMatch(/a raw key is 64 hex digits/)
    const good = await run('keys', 'import', '--unsafe-raw', ...to('i5'))
    expect([good.code, good.err]).toEqual([0, ''])
    const piped = fisherman(['keys', 'import', '--unsafe-raw', '--folder', at('i6'), '--json'], HOME)
    piped.child.stdin.end(RAW)
    expect(await piped.done).toBe(0)
    expect(JSON.parse(piped.out).address).toBe(good.out.split('\n')[0])
    for (const { out, err } of [...ran, good, { out: piped.out, err: piped.err }]) expect(out + err).not.toContain(RAW)
    expect(existsSync(at('i1'))).toBe(false)
  })

  it('makes nothing of a wrong raw key, and takes the right one at the same place', async () => {
    const wrong = await run('keys', 'import', '--unsafe-raw', '--folder', at('r1'))
    expect([wrong.code, existsSync(at('r1'))]).toEqual([2, false])
    writeFileSync(at('right'), RAW, { mode: 0o600 })
    const right = await run('keys', 'import', '--unsafe-raw', '--folder', at('r1'), '--from', at('right'))
    expect([right.code, right.err]).toEqual([0, ''])
  })

  it('goes on where a command was stopped between password and key, and says what to do with an empty one', async () => {
    mkdirSync(at('r2'), { mode: 0o700 })
    writeFileSync(at('r2', 'answers.password'), 'from-an-earlier-try\n', { mode: 0o600 })
    const made = await run('keys', 'new', '--folder', at('r2'))
    expect([made.code, made.err]).toEqual([0, ''])
    expect(made.out).not.toContain('from-an-earlier-try')
    const opened = await loadKeystore(at('r2', 'answers.json'), at('r2', 'answers.password'))
    expect(opened.address).toBe(made.out.split('\n')[0])
    expect(readFileSync(at('r2', 'answers.password'), 'utf8')).toBe('from-an-earlier-try\n')

    writeFileSync(at('r2', 'money.password'), '', { mode: 0o600 })
    const empty = await run('keys', 'new', '--purpose', 'money', '--folder', at('r2'))
    expect(empty.code).toBe(2)
    expect(empty.err).toMatch(/money\.password is empty; delete it/)
  })

  it('goes to another machine: what was exported is imported with its password, which is proven first', async () => {
    const { address, passwordFile: password } = await quickKey('m1', 'answers')
    expect((await run('keys', 'export', at('moved.json'), '--folder', at('m1'))).code).toBe(0)
    writeFileSync(at('other.password'), 'not-the-one\n', { mode: 0o600 })
    const into = (name: string, ...args: string[]) => run('keys', 'import', at('moved.json'), '--folder', at(name), ...args)
    const refused = [
      await into('m2', '--password-file', at('other.password')),
      await into('m2'),
      await into('m2', '--password-file', password, '--unsafe-raw'),
      await run('keys', 'import', RAW, '--folder', at('m2')),
    ]
    expect(refused.map(({ code }) => code)).toEqual([2, 2, 2, 2])
    expect(refused[0]?.err).toMatch(/the password in .*other\.password does not open .*moved\.json/)
    expect(refused[1]?.err).toMatch(/moved\.password is not there.*--password-file/)
    expect(refused[2]?.err).toMatch(/a keystore, or a raw key with --unsafe-raw; not both/)
    expect(refused[3]?.err).toMatch(/never an argument/)
    expect(existsSync(at('m2'))).toBe(false)

    const there = await into('m2', '--password-file', password)
    expect([there.code, there.err, there.out.split('\n')[0]]).toEqual([0, '', address])
    const kept = { file: at('m2', 'answers.json'), passwordFile: at('m2', 'answers.password') }
    expect([mode(kept.file), mode(kept.passwordFile)]).toEqual([0o600, 0o600])
    expect((await loadKeystore(kept.file, kept.passwordFile)).address).toBe(address)
    const again = await into('m2', '--password-file', password)
    expect(again.code).toBe(2)
    expect(again.err).toMatch(/m2.answers\.json exists already and is not overwritten; choose another place with --file/)
    for (const { out, err } of [...refused, there, again])
      for (const secret of [RAW, 'not-the-one', readFileSync(password, 'utf8').trim()]) expect(out + err).not.toContain(secret)
  })

  it('copies the key that the configuration names, whatever else lies in the folder', async () => {
    const dataDir = at('c1')
    await quickKey('c1/keys', 'answers')
    const { address, ...key } = await quickKey('c2', 'used')
    writeFileSync(at('deployment.json'), '{}')
    const config = { mode: 'attest', dataDir, rpc: ['http://127.0.0.1:9'], deployment: at('deployment.json'), key }
    writeFileSync(at('used.yaml'), JSON.stringify(config), { mode: 0o600 })
    const copied = await run('keys', 'export', at('backup.json'), '--config', at('used.yaml'), '--json')
    expect([copied.code, copied.err]).toEqual([0, ''])
    expect(JSON.parse(copied.out).address).toBe(address)
    expect(readFileSync(at('backup.json'), 'utf8')).toBe(readFileSync(key.file, 'utf8'))
    const other = await run('keys', 'export', at('other.json'), '--config', at('used.yaml'), '--folder', join(dataDir, 'keys'))
    expect([other.code, readFileSync(at('other.json'), 'utf8')]).toEqual([
      0,
      readFileSync(join(dataDir, 'keys', 'answers.json'), 'utf8'),
    ])
  })

  it('finds what cannot be used: junk, work without end, open to others', async () => {
    await run('keys', 'new', '--folder', at('bad'))
    const good = JSON.parse(readFileSync(at('bad', 'answers.json'), 'utf8'))
    const inner = good.Crypto ?? good.crypto
    writeFileSync(at('bad', 'junk.json'), '{', { mode: 0o600 })
    writeFileSync(at('bad', 'open.json'), JSON.stringify(good), { mode: 0o644 })
    const endless = { ...good, Crypto: { ...inner, kdfparams: { ...inner.kdfparams, n: 2 ** 40 } } }
    writeFileSync(at('bad', 'endless.json'), JSON.stringify(endless), { mode: 0o600 })
    const { code, out } = await run('keys', 'list', '--folder', at('bad'))
    expect(code).toBe(1)
    expect(out).toMatch(/junk\.json is not a Web3 v3 keystore/)
    expect(out).toMatch(/open\.json can be read by others; type: chmod 600/)
    expect(out).toMatch(/endless\.json asks for more work than any wallet does/)
  })
})
