import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'

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

  it('is not blown up by YAML aliases', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f'].map((n, i) => `${n}: &${n} [${Array(9).fill(`*${'abcde'[i]}`).join(',')}]`).join('\n')}\n`
    expect(() => load(bomb)).toThrow()
  })
})
