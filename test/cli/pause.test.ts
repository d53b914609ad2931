import { existsSync, mkdirSync } from 'node:fs'
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
  expect(await folder.fisherman('pause', ...at)).toEqual({
    ...{ code: 0, err: '' },
    out: 'Paused: nothing new is checked until fisherman resume.\n',
  })
  expect(existsSync(file)).toBe(true)
  expect((await folder.fisherman('pause', ...at)).out).toBe('It is paused already; fisherman resume ends that.\n')
  expect(await folder.fisherman('resume', ...at)).toEqual({ code: 0, out: 'It checks again.\n', err: '' })
  expect(existsSync(file)).toBe(false)
  expect((await folder.fisherman('resume', ...at)).out).toBe('It was not paused.\n')
})

it('what is no data folder is said in one line', async () => {
  expect(refused(await folder.fisherman('pause', '--data-dir', 'nowhere'))).toMatch(
    /there is no data folder nowhere; check --data-dir/,
  )
})
