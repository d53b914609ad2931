import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { namesBeyondNewest } from '../../src/base/newest-files.ts'
import { writeWholeFile } from '../../src/base/whole-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-files-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('a whole file replaces what was there, and takes nothing of what a crash left of an earlier try', async () => {
  const file = join(folder, 'root.json')
  await writeFile(`${file}.new`, 'half of an earl')
  for (const text of ['{"first":1}', '{"second":2}']) {
    await writeWholeFile(file, text)
    expect(await readFile(file, 'utf8')).toBe(text)
  }
  expect(await readdir(folder)).toEqual(['root.json'])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

it('the oldest files beyond a number are named, of those with the ending only', async () => {
  for (const [i, name] of ['b.txt', 'a.txt', 'c.txt', 'd.other'].entries()) {
    await writeFile(join(folder, name), '')
    await utimes(join(folder, name), i, i)
  }
  expect(await namesBeyondNewest(folder, '.txt', 3)).toEqual([])
  expect(await namesBeyondNewest(folder, '.txt', 1)).toEqual(['a.txt', 'b.txt'])
})
