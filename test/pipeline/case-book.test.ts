import { describe, expect, it } from 'vitest'
import type { CaseView } from '../../src/chain/types.ts'
import { createCaseBook, type FoundCase } from '../../src/pipeline/case-book.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const fault: FoundCase = {
  ...{ faultId: hash(1), faultClass: 'O3', transcoder: addressOf(wallet(1)), evidenceHash: hash(2), evidence: '0x12' },
}

describe('the book of cases', () => {
  it('writes down later what a full disk kept it from, once', async () => {
    const written: { state: string }[] = []
    let isFull = true
    const append = async (_: string, payload: { state: string }) => {
      if (isFull) throw new Error('no space is left')
      written.push(payload)
    }
    const log = { append, find: async () => written.map((payload) => ({ payload })) }
    const book = createCaseBook({ log } as unknown as Parameters<typeof createCaseBook>[0])
    const view = { ...fault, state: 'convicted' } as unknown as CaseView
    await expect(book.found(fault)).rejects.toThrow('no space')
    await expect(book.note(view)).rejects.toThrow('no space')
    isFull = false
    for (let i = 0; i < 2; i++) {
      await book.found(fault)
      await book.note(view)
    }
    expect(written.map(({ state }) => state)).toEqual(['found', 'convicted'])
  })
})
