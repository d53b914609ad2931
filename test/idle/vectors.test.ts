import { recoverAddress } from 'ethers'
import { describe, expect, it } from 'vitest'
import { readHex } from '../../proofs/json.ts'
import { checkDataset } from '../../src/idle/dataset.ts'
import { vectorText } from '../vectors/read.ts'

// What another implementation of the dataset must agree with.

interface Vector {
  files: Record<string, string>
  digest: string
  publisher: string
  classes: Record<string, { class: string; why: string }>
  bad: { name: string; changes: Record<string, string | null>; problem: string }[]
}
const vector = JSON.parse(vectorText('dataset.json') ?? '') as Vector

describe('the golden dataset', () => {
  it('holds, and its results follow from its rows: a node of each class', () => {
    const { problems, publisher, results } = checkDataset(new Map(Object.entries(vector.files)))
    expect([problems, publisher]).toEqual([[], vector.publisher])
    expect(Object.fromEntries(results.map((one) => [one.address, { class: one.class, why: one.why }]))).toEqual(vector.classes)
    expect([...new Set(results.map((one) => one.class))].sort()).toEqual([
      'idle',
      'paid-without-work',
      'self-dealt',
      'unproven',
      'works',
    ])
  })

  it('is signed over the digest that it names', () => {
    const { signature } = JSON.parse(vector.files['signature.json'] as string)
    expect(recoverAddress(vector.digest, readHex('signature', signature, 65)).toLowerCase()).toBe(vector.publisher)
  })

  it.each(vector.bad)('is refused: $name', ({ changes, problem }) => {
    const files = new Map(Object.entries(vector.files))
    for (const [name, text] of Object.entries(changes)) text === null ? files.delete(name) : files.set(name, text)
    expect(checkDataset(files).problems.join('\n')).toContain(problem)
  })
})
