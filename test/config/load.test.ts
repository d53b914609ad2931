import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configKeys } from '../../src/config/keys.ts'
import { loadConfig, readConfig } from '../../src/config/load.ts'
import { referenceText } from '../../src/config/reference.ts'
import { shownValues } from '../../src/config/show.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fisherman-test-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const GOOD = 'dataDir: data\nrpc: [http://127.0.0.1:8545]\ndeployment: deployment.json\n'

function load(text: string, flags = {}, env = {}) {
  const file = join(dir, 'config.yaml')
  writeFileSync(file, text)
  return loadConfig(file, flags, env)
}

function readWith(text: string, flags = {}, env = {}) {
  const file = join(dir, 'config.yaml')
  writeFileSync(file, text)
  return readConfig({ file, flags, env })
}

function caught(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was refused')
}

describe('configuration', () => {
  it('observes by default, on the loopback, with paths relative to the file', () => {
    expect(load(GOOD)).toMatchObject({
      mode: 'observe',
      network: 'local',
      dataDir: join(dir, 'data'),
      http: { host: '127.0.0.1' },
      gossip: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    })
  })

  it('lets flags win over variables, and variables over the file', () => {
    const text = `${GOOD}log: { level: error }\n`
    expect(load(text).log.level).toBe('error')
    expect(load(text, {}, { FISHERMAN_LOG_LEVEL: 'warn' }).log.level).toBe('warn')
    expect(load(text, { 'log.level': 'debug' }, { FISHERMAN_LOG_LEVEL: 'warn' }).log.level).toBe('debug')
  })

  it.each([
    ['an unknown key', `${GOOD}dataDri: x\n`, /dataDri/],
    ['a missing key', 'dataDir: x\n', /rpc/],
    ['a wrong type', `${GOOD}ffmpegJobs: many\n`, /ffmpegJobs/],
    ['a bad address', `${GOOD}feeds: [{ transcoder: 0x12, url: http://a }]\n`, /feeds\.0\.transcoder/],
    ['a bad URL', `${GOOD}feeds: [{ transcoder: "0x${'1'.repeat(40)}", url: "file:///etc/passwd" }]\n`, /http or https/],
    ['a mode that signs without a key', `${GOOD}mode: active\n`, /key: is needed/],
    [
      'a token for this machine that is nowhere',
      `${GOOD}http: { trustLocal: false }\n`,
      /http\.tokenFile: is needed where http\.trustLocal/,
    ],
    ['a misspelt limit', `${GOOD}limits: { gasADay: 1 }\n`, /gasADay/],
    ['a limit below zero', `${GOOD}limits: { bond: -1 }\n`, /limits\.bond/],
    ['text that is no YAML', 'a: [', /config\.yaml/],
    ['a list', '- a\n', /keys and values/],
  ])('refuses %s and says where', (_, text, reason) => {
    expect(() => load(text)).toThrow(reason)
  })

  it('refuses a variable that it does not know, and a file that is not there', () => {
    expect(() => load(GOOD, {}, { FISHERMAN_MODUS: 'active' })).toThrow(/FISHERMAN_MODUS/)
    expect(() => loadConfig(join(dir, 'nowhere.yaml'), {}, {})).toThrow(/nowhere\.yaml/)
  })

  it('names all mistakes at once, each with its line and the nearest name', () => {
    const text = `mode: obsreve\ndataDri: x\nrpc: [http://a]\nhttp: { prot: 3, port: many }\nlimits:\n  gasADay: 1\n  bond: -1\n`
    expect(() => load(text)).toThrow(
      expect.objectContaining({
        code: 'bad-config',
        message: [
          'the configuration has 7 mistakes:',
          `  ${dir}/config.yaml:1: mode: must be one of observe, attest, dry-run, active; did you mean observe?`,
          `  ${dir}/config.yaml: deployment: is missing`,
          `  ${dir}/config.yaml:4: http.port: must be a number, not text`,
          `  ${dir}/config.yaml:4: http.prot: is not known; did you mean port?`,
          `  ${dir}/config.yaml:7: limits.bond: must be at least 0`,
          `  ${dir}/config.yaml:6: limits.gasADay: is not known; did you mean limits.gasPerDay?`,
          `  ${dir}/config.yaml:2: dataDri: is not known; did you mean dataDir?`,
        ].join('\n'),
      }),
    )
    expect(() => load(`${GOOD}port: 1\n`)).toThrow(/:4: port: is not known; did you mean http\.port\?$/)
    expect(() => load(GOOD, {}, { FISHERMAN_HTTP_PROT: '1' })).toThrow(/did you mean FISHERMAN_HTTP_PORT\?$/)
    expect(() => load(GOOD, {}, { FISHERMAN_HTTP_PORT: '99999' })).toThrow(
      /^FISHERMAN_HTTP_PORT: http\.port: must be at most 65535$/,
    )
  })

  it('has a variable and a flag for every key that one word or a list can say', () => {
    const values: Record<string, string> = { number: '7', boolean: 'true', list: 'http://a, http://b', text: 'x' }
    for (const key of configKeys()) {
      if (key.variable === undefined) continue
      const value = key.choices?.at(-1) ?? values[key.kind]
      const both = {
        FISHERMAN_KEY_FILE: 'k',
        FISHERMAN_KEY_PASSWORD_FILE: 'p',
        FISHERMAN_SENDER_FILE: 's',
        FISHERMAN_SENDER_PASSWORD_FILE: 'p',
      }
      const { originOf } = readWith(GOOD, {}, { ...both, [key.variable]: value })
      expect(originOf(key.path)).toEqual({ from: 'variable', name: key.variable })
      expect(readWith(GOOD, { [key.path]: value }, both).originOf(key.path)).toEqual({ from: 'flag', name: key.flag })
    }
    expect(configKeys().filter(({ variable }) => variable === undefined)).toMatchObject([
      { path: 'feeds', fields: ['transcoder', 'url'] },
      { path: 'probe.keys', fields: ['file', 'passwordFile'] },
    ])
    expect(load(GOOD, {}, { FISHERMAN_RPC: 'http://a, http://b' }).rpc).toEqual(['http://a', 'http://b'])
  })

  it('resolves paths of the file beside it, and paths of flags and variables where one stands', () => {
    expect(load(GOOD).deployment).toBe(join(dir, 'deployment.json'))
    expect(load(GOOD, { dataDir: 'here' }, { FISHERMAN_DEPLOYMENT: 'there' })).toMatchObject({
      dataDir: resolve('here'),
      deployment: resolve('there'),
    })
  })

  it('looks at the usual place when nobody says where, and can do without a file', () => {
    const env = { XDG_CONFIG_HOME: join(dir, 'usual'), XDG_DATA_HOME: join(dir, 'data') }
    expect(() => loadConfig(undefined, {}, env)).toThrow(/rpc: is missing/)
    expect(loadConfig(undefined, { rpc: 'http://a', deployment: '/d' }, env).dataDir).toBe(join(dir, 'data', 'fisherman'))
    mkdirSync(join(dir, 'usual', 'fisherman'), { recursive: true })
    writeFileSync(join(dir, 'usual', 'fisherman', 'fisherman.yaml'), GOOD)
    expect(loadConfig(undefined, {}, env).deployment).toBe(join(dir, 'usual', 'fisherman', 'deployment.json'))
  })

  it('is what its reference says', () => {
    expect(readFileSync('src/config/README.md', 'utf8')).toBe(referenceText())
    for (const { path, help } of configKeys()) expect([path, help]).toEqual([path, expect.stringMatching(/\.$/)])
  })

  it('shows what holds and why, and no secret', () => {
    const url = 'https://user:hunter2@rpc.example/v2/sesame?token=hunter3'
    const text = `rpc: ["${url}"]\ndeployment: d\nnetwork: arbitrum-one\nfeeds: [{ transcoder: "0x${'1'.repeat(40)}", url: "${url}" }]\n`
    const shown = shownValues(readWith(text, { 'http.port': '1' }, { FISHERMAN_LOG_LEVEL: 'warn' }), { 'limits.bond': 250 })
    const at = (path: string) => shown.find((value) => value.path === path)
    expect(at('rpc')).toMatchObject({ value: ['https://***@rpc.example/***'], origin: `${dir}/config.yaml:1` })
    expect(at('http.port')).toMatchObject({ value: 1, origin: 'flag --http-port' })
    expect(at('log.level')).toMatchObject({ value: 'warn', origin: 'variable FISHERMAN_LOG_LEVEL' })
    expect(at('limits.bond')).toMatchObject({ value: 250, origin: 'network arbitrum-one' })
    expect(at('mode')).toMatchObject({ value: 'observe', origin: 'default' })
    expect(JSON.stringify(shown)).not.toMatch(/hunter|sesame/)
  })

  it.each([
    ['a text where keys belong', `${GOOD}http: 5\n`, /:4: http: must be keys and values, not a number$/],
    ['a number without end', `${GOOD}cacheBytes: .inf\n`, /cacheBytes/],
    ['a number beyond all disks', `${GOOD}cacheBytes: 1e300\n`, /cacheBytes/],
    ['a fraction of a job', `${GOOD}ffmpegJobs: 1.5\n`, /:4: ffmpegJobs/],
    ['an endless path', `dataDir: ${'x'.repeat(5000)}\n`, /dataDir: must have at most 4096 characters/],
    ['too many endpoints', `dataDir: a\ndeployment: b\nrpc: [${Array(21).fill('http://a').join(',')}]\n`, /rpc: has 21 entries/],
    ['__proto__', `${GOOD}__proto__: { mode: active }\n`, /:4: a key must be a name, and not __proto__$/],
    ['__proto__ deep inside', `${GOOD}http: { "__proto__": { port: 1 } }\n`, /:4: a key must be a name/],
    ['constructor', `${GOOD}constructor: { prototype: 1 }\n`, /:4: constructor: is not known/],
    ['a key that is a list', `${GOOD}? [a, b]\n: 1\n`, /:4: a key must be a name/],
    ['a key twice', `${GOOD}mode: observe\nmode: active\n`, /:5: is no YAML: Map keys must be unique/],
    ['an alias', `${GOOD}http: &a { port: 1 }\nlog: *a\n`, /:4: anchors and aliases/],
    ['a tag of another language', `${GOOD}mode: !!js/function "x"\n`, /:4: is no YAML: Unresolved tag/],
    ['two documents', `${GOOD}---\nmode: active\n`, /is no YAML/],
    ['a tower of brackets', `a: ${'['.repeat(100_000)}`, /nests brackets more than 20 deep/],
    ['a tower of dashes', `a:\n ${'- '.repeat(100_000)}x\n`, /config\.yaml/],
    ['a zero byte', `${GOOD}\0`, /is no text/],
    ['nothing', '', /keys and values/],
  ])('answers %s with one clear line', (_, text, reason) => {
    const error = caught(() => load(text))
    expect(error).toMatchObject({ code: 'bad-config', message: expect.stringMatching(reason) })
    expect(error.message.length).toBeLessThan(400)
  })

  it('refuses what is no file of text: folders, binary junk, pipes, a hundred megabytes', () => {
    const at = (name: string) => join(dir, name)
    writeFileSync(at('junk'), Buffer.from([0x7f, 0x45, 0xff, 0xfe, 0x80]))
    writeFileSync(at('huge'), '')
    truncateSync(at('huge'), 100 * 1024 * 1024)
    execFileSync('mkfifo', [at('pipe')])
    expect(() => loadConfig(dir, {}, {})).toThrow(/is a folder; pass the file in it/)
    expect(() => loadConfig(at('junk'), {}, {})).toThrow(/is no text in UTF-8/)
    expect(() => loadConfig(at('huge'), {}, {})).toThrow(/has 104857600 bytes, more than/)
    expect(() => loadConfig(at('pipe'), {}, {})).toThrow(/is no ordinary file/)
  })

  it('is not blown up by YAML aliases', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f'].map((n, i) => `${n}: &${n} [${Array(9).fill(`*${'abcde'[i]}`).join(',')}]`).join('\n')}\n`
    expect(() => load(bomb)).toThrow()
  })
})
