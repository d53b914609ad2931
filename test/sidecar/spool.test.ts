import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createSpool } from '../../src/sidecar/spool.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-spool-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('copies to disk, and gives a copy up where all together would hold too much memory', async () => {
  const lost: string[] = []
  const spool = await createSpool({ folder, maxBytes: 1e9, maxPending: 1 << 20 }, { onLost: (reason) => void lost.push(reason) })
  const [one, two, three] = [spool.copy(), spool.copy(), spool.copy()]
  const chunk = Buffer.alloc(400_000, 7)
  one.push(chunk)
  two.push(chunk)
  // Nothing of it can be on disk yet: all of this happens in one turn.
  three.push(chunk)
  expect(lost).toEqual(['spool-slow'])
  expect(await three.end()).toBeUndefined()
  const [first, second] = await Promise.all([one.end(), two.end()])
  expect([first?.bytes, second?.bytes]).toEqual([400_000, 400_000])
  expect((await readFile(first?.file as string)).equals(chunk)).toBe(true)
  // What was written, and what was given up, is free again.
  const four = spool.copy()
  four.push(Buffer.alloc(1 << 20))
  expect((await four.end())?.bytes).toBe(1 << 20)
  expect(lost).toHaveLength(1)
  expect(await readdir(folder)).toHaveLength(3)
})

it('gives up what is longer than a segment may be, and what broke off', async () => {
  const lost: string[] = []
  const spool = await createSpool({ folder, maxBytes: 10 }, { onLost: (reason) => void lost.push(reason) })
  const [long, broken] = [spool.copy(), spool.copy()]
  long.push(Buffer.alloc(11))
  broken.push(Buffer.alloc(5))
  broken.abort()
  expect([await long.end(), await broken.end(), lost]).toEqual([undefined, undefined, ['too-large']])
})
