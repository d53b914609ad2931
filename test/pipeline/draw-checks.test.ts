import { expect, it } from 'vitest'
import { createDrawChecks } from '../../src/pipeline/draw-checks.ts'
import { hash } from '../helpers/fixtures.ts'
import { held } from '../helpers/heap.ts'

const KEY = hash(7)

it('checks a signature once, tells good from bad, and takes no other message, signature or key for it', () => {
  const asked: string[] = []
  const check = createDrawChecks((...all) => {
    asked.push(all.join())
    return all[1] === hash(2)
  })
  for (let i = 0; i < 3; i++) {
    expect(check(hash(1), hash(2), KEY)).toBe(true)
    expect(check(hash(1), hash(3), KEY)).toBe(false)
  }
  expect(asked).toHaveLength(2)
  check(hash(4), hash(2), KEY)
  check(hash(1), hash(2), hash(8))
  expect(asked).toHaveLength(4)
})

it('remembers a thousand, not all that members ever signed: an old one is checked anew, and with the same end', () => {
  let asked = 0
  const check = createDrawChecks(() => ++asked > 0)
  const { bytes } = held(() => {
    for (let i = 0; i < 20_000; i++) check(hash(i), hash(i), KEY)
  })
  expect(asked).toBe(20_000)
  expect(bytes).toBeLessThan(700_000)
  for (let i = 19_000; i < 20_000; i++) check(hash(i), hash(i), KEY)
  expect(asked).toBe(20_000)
  expect(check(hash(0), hash(0), KEY)).toBe(true)
  expect(asked).toBe(20_001)
})
