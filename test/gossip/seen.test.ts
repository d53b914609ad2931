import { describe, expect, it } from 'vitest'
import { createAgingMap, createBoundedMap, keyOf } from '../../src/gossip/seen.ts'

it('a bounded map drops its oldest entry', () => {
  const map = createBoundedMap<number>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.set('a', 3)
  map.set('c', 4)
  expect([map.get('a'), map.get('b'), map.get('c'), map.size()]).toEqual([3, undefined, 4, 2])
})

describe('a map whose entries age', () => {
  let nowSec = 100
  const map = (maxEntries = 100) => {
    nowSec = 100
    return createAgingMap<number>(maxEntries, () => nowSec)
  }

  it('holds an entry through its last second and gives its place back', () => {
    const ages = map()
    ages.set('a', 1, 110)
    nowSec = 110
    expect(ages.get('a')).toBe(1)
    nowSec = 111
    expect(ages.get('a')).toBeUndefined()
    nowSec = 200
    ages.set('b', 2, 300)
    expect([ages.size(), ages.get('b')]).toEqual([1, 2])
  })

  it('gives back places behind an entry that stays: what is older by its place is not older by its time', () => {
    const ages = map()
    ages.set('stays', 0, 10_000)
    for (let i = 0; i < 50; i++) ages.set(`${i}`, i, 150)
    nowSec = 200
    ages.set('new', 1, 300)
    expect([ages.size(), ages.get('stays')]).toEqual([2, 0])
  })

  it('never shortens what was set before, and forgets what is deleted', () => {
    const ages = map()
    ages.set('a', 1, 500)
    ages.set('a', 2, 110)
    nowSec = 400
    expect(ages.get('a')).toBe(2)
    ages.delete('a')
    expect(ages.get('a')).toBeUndefined()
  })

  it('has no more places than it was given, however young its entries are', () => {
    const ages = map(3)
    for (let i = 0; i < 10; i++) ages.set(`${i}`, i, 1_000)
    expect([ages.size(), ages.get('6'), ages.get('7')]).toEqual([3, undefined, 7])
  })
})

it('a key has one character a byte, and other numbers have another one', () => {
  const [subject, signer] = [`0x${'ab'.repeat(32)}`, `0x${'cd'.repeat(20)}`]
  expect(keyOf('01', subject, signer)).toHaveLength(53)
  expect(keyOf('01', subject, signer)).not.toBe(keyOf('02', subject, signer))
  expect(keyOf('01', subject, signer)).not.toBe(keyOf('01', `0x${'ab'.repeat(31)}ac`, signer))
})
