import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import * as schema from '../../src/observe/api/schemas.ts'
import { NODE, OTHER, openSite, publish } from './site.ts'

let site: Awaited<ReturnType<typeof openSite>>
beforeEach(async () => {
  site = await openSite()
})
afterEach(() => site?.stop())

const told = async () => schema.idle.parse(await (await fetch(`${site.url}/api/v1/idle`)).json()).dataset
/** A path as it is, which fetch would tidy. */
const raw = (path: string) =>
  new Promise<number | undefined>((resolve, reject) =>
    request(site.url, { path }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end(),
  )

it('is nothing where nothing was published, and the newest whole one where some were', async () => {
  expect(await told()).toBeNull()
  publish(site.idleDir)
  expect(await told()).toMatchObject({ round: '7', rounds: 1, publisher: null, problems: [], fromBlock: '10', toBlock: '20' })
  // By number, not by letter; a folder without its manifest is still being written.
  publish(site.idleDir, 10n)
  mkdirSync(join(site.idleDir, 'round-11'))
  mkdirSync(join(site.idleDir, 'notes'))
  expect((await told())?.round).toBe('10')
})

it('tells every number of each node, what is heaviest first', async () => {
  publish(site.idleDir)
  const dataset = await told()
  expect(dataset?.items.map(({ address, class: name }) => [address, name])).toEqual([
    [NODE, 'unproven'],
    [OTHER, 'works'],
  ])
  expect(dataset?.items[0]).toMatchObject({ mintedWei: '2500000000000000000', rewardedRounds: 1, tickets: 0, atRiskPpm: null })
  expect(dataset?.items[1]).toMatchObject({ redeemedWei: '1000000000000000', relatedTickets: 1, atRiskPpm: '9000000' })
})

it('says what does not follow, also when it was changed after it was read', async () => {
  const folder = publish(site.idleDir)
  expect((await told())?.problems).toEqual([])
  rmSync(folder, { recursive: true })
  publish(site.idleDir)
  const [results] = readdirSync(folder).filter((name) => name.startsWith('0x'))
  appendFileSync(join(folder, results as string), '{}\n')
  writeFileSync(join(folder, 'more.txt'), 'x')
  const problems = (await told())?.problems.join('\n')
  expect(problems).toMatch(/has another hash/)
  expect(problems).toMatch(/more\.txt does not belong/)
})

it('gives its files to everybody and nothing else of the disk', async () => {
  const folder = publish(site.idleDir)
  writeFileSync(join(site.idleDir, 'secret'), 'x')
  writeFileSync(join(folder, 'secret'), 'x')
  const place = `${site.url}/fisherman/v1/idle/round-7`
  for (const name of readdirSync(folder).filter((file) => file !== 'secret')) {
    const response = await fetch(`${place}/${name}`)
    expect([response.status, response.headers.get('x-content-type-options')]).toEqual([200, 'nosniff'])
    expect((await response.text()).length).toBeGreaterThan(0)
    expect(response.headers.get('cache-control')).toMatch(name === 'manifest.json' ? /no-cache/ : /immutable/)
  }
  expect((await fetch(`${place}/0x${'0'.repeat(64)}`)).status).toBe(404)
  expect((await fetch(`${site.url}/fisherman/v1/idle/round-8/manifest.json`)).status).toBe(404)
  for (const path of [
    '/fisherman/v1/idle/round-7/secret',
    '/fisherman/v1/idle/../idle/round-7/secret',
    '/fisherman/v1/idle/..%2Fidle/secret',
    '/fisherman/v1/idle/round-7/..%2Fsecret',
    '/fisherman/v1/idle/round-7%2F../manifest.json',
    '/fisherman/v1/idle/round-07/manifest.json',
  ])
    expect(await raw(path), path).toBeGreaterThanOrEqual(400)
})
