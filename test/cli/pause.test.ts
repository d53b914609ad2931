import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliFolder, createCliFolder, refused } from './site.ts'

let folder: CliFolder
beforeAll(async () => {
  folder = await createCliFolder()
  mkdirSync(join(folder.path, 'data'))
})
afterAll(() => folder?.remove())

it('a pause begins once and ends once, and says what it did', async () => {
  const file = join(folder.path, 'data', 'PAUSE')
  const at = ['--data-dir', 'data']
  expect(await folder.fisherman('pause', ...at)).toMatchObject({
    code: 0,
    out: 'Paused: nothing new is checked until fisherman resume.\n',
  })
  expect(existsSync(file)).toBe(true)
  expect((await folder.fisherman('pause', ...at)).out).toBe('It is paused already; fisherman resume ends that.\n')
  expect(await folder.fisherman('resume', ...at)).toMatchObject({ code: 0, out: 'It checks again.\n' })
  expect(existsSync(file)).toBe(false)
  expect((await folder.fisherman('resume', ...at)).out).toBe('It was not paused.\n')
})

it('says where nobody works in that folder, or nobody answers, and sets the mark all the same', async () => {
  const idle = join(folder.path, 'idle')
  mkdirSync(idle)
  const paused = await folder.fisherman('pause', '--data-dir', 'idle')
  expect([paused.code, existsSync(join(idle, 'PAUSE'))]).toEqual([0, true])
  expect(paused.err).toMatch(/^fisherman pause: no fisherman runs in idle .*\bPAUSE\b.* is another folder meant\?.*\n$/)
  // Left behind by one that was killed.
  writeFileSync(join(idle, 'daemon.json'), JSON.stringify({ pid: 1, http: 'http://127.0.0.1:9' }))
  const resumed = await folder.fisherman('resume', '--data-dir', 'idle')
  expect([resumed.code, resumed.out, existsSync(join(idle, 'PAUSE'))]).toEqual([0, 'It checks again.\n', false])
  expect(resumed.err).toMatch(/^fisherman resume: the fisherman of idle \(process 1\) does not answer at http:\/\/127\.0\.0\.1:9/)
})

it('what is no data folder is said in one line', async () => {
  expect(refused(await folder.fisherman('pause', '--data-dir', 'nowhere'))).toMatch(
    /there is no data folder nowhere; check --data-dir/,
  )
})
