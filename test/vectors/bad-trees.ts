import { keccak256 } from 'ethers'
import { abiHash, windowLeaf, ZERO_HASH } from '../../proofs/digest.ts'
import { EMPTY_ROOT } from '../../proofs/log-tree.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import type { Hex } from '../../proofs/types.ts'
import { hash } from '../helpers/fixtures.ts'
import type { BadCase } from './bad-bytes.ts'
import { logEntries, logTree } from './log.ts'

const flipped = (value: Hex): Hex => `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}` as Hex

export function badMerkle(): BadCase[] {
  const leaves = Array.from({ length: 7 }, (_, i) => windowLeaf(i, hash(i + 7)))
  const tree = merkleTree(leaves)
  const [leaf, path] = [leaves[2] as Hex, tree.proof(2)]
  const bad = (name: string, changes: { leaf?: Hex; path?: Hex[]; root?: Hex }, reason: string): BadCase => ({
    ...{ name: `tree: ${name}`, what: 'merkle', reason, leaf, path, root: tree.root, ...changes },
  })
  return [
    bad('another leaf', { leaf: windowLeaf(2, hash(999)) }, 'leads to another root'),
    bad('the leaf of another index', { leaf: windowLeaf(3, hash(9)) }, 'leads to another root'),
    bad('a step is changed', { path: path.map((step, i) => (i === 1 ? flipped(step) : step)) }, 'leads to another root'),
    bad('a step is missing', { path: path.slice(1) }, 'leads to another root'),
    bad('a step too many', { path: [...path, tree.root] }, 'leads to another root'),
    bad('the steps are turned round', { path: [...path].reverse() }, 'leads to another root'),
    bad('a leaf that was hashed once', { leaf: abiHash(['uint32', 'bytes32'], [2, hash(9)]) }, 'leads to another root'),
    bad(
      'two words passed off as a leaf',
      { leaf: keccak256(`0x${leaf.slice(2)}${(path[0] as Hex).slice(2)}`) as Hex, path },
      'leads to another root',
    ),
    bad('the root of nothing', { root: ZERO_HASH, path: [] }, 'nothing leads to zero'),
  ]
}

export async function badLog(): Promise<BadCase[]> {
  const { texts, leaves } = logEntries()
  const tree = logTree(leaves)
  const [index, size, oldSize] = [4, 11, 6]
  const [path, history] = [await tree.inclusion(index, size), await tree.consistency(oldSize, size)]
  const root = tree.roots[size] as Hex
  const inclusion = (name: string, changes: object): BadCase => ({
    ...{ name: `log: ${name}`, what: 'log-inclusion', reason: 'the entry is not in that log at that place' },
    ...{ leaf: leaves[index], index, size, path, root, ...changes },
  })
  const consistency = (name: string, changes: object): BadCase => ({
    ...{ name: `log: ${name}`, what: 'log-consistency', reason: 'the log does not begin with that older log' },
    ...{ oldSize, size, oldRoot: tree.roots[oldSize], root, path: history, ...changes },
  })
  const entries = (name: string, list: string[], firstBad: number, reason: string): BadCase => ({
    ...{ name: `log: ${name}`, what: 'log-entries', reason, entries: list, firstBad },
  })
  const upper = (value: Hex) => `0x${value.slice(2).toUpperCase()}`
  const changed = texts.map((text, i) => (i === 2 ? text.replace('"at":1800000000002', '"at":1800000000009') : text))
  return [
    inclusion('another entry', { leaf: leaves[5] }),
    inclusion('another place', { index: 5 }),
    inclusion('a size that has another shape', { size: 17 }),
    inclusion('a place beyond the end', { index: 11 }),
    inclusion('a negative place', { index: -1 }),
    inclusion('half a place', { index: 4.5 }),
    inclusion('a step is changed', { path: path.map((step, i) => (i === 0 ? flipped(step) : step)) }),
    inclusion('a step is missing', { path: path.slice(0, -1) }),
    inclusion('a step too many', { path: [...path, root] }),
    inclusion('a step in upper case', { path: path.map((step, i) => (i === 0 ? upper(step) : step)) }),
    inclusion('a step with more after it', { path: path.map((step, i) => (i === 0 ? `${step}00` : step)) }),
    inclusion('the root of a shorter log', { root: tree.roots[10] }),
    inclusion('the only entry, shown in an empty log', { leaf: leaves[0], index: 0, size: 0, path: [], root: EMPTY_ROOT }),
    consistency('an old root that never was', { oldRoot: flipped(tree.roots[oldSize] as Hex) }),
    consistency('an old log of another size', { oldSize: 7 }),
    consistency('an old log that is longer', { oldSize: 12 }),
    consistency('a new root that is not', { root: tree.roots[10] }),
    consistency('a step of the history is changed', { path: history.map((step, i) => (i === 1 ? flipped(step) : step)) }),
    consistency('a step of the history is missing', { path: history.slice(1) }),
    consistency('a step of the history too many', { path: [...history, root] }),
    consistency('no history', { path: [] }),
    consistency('an empty log with another root', { oldSize: 0, oldRoot: ZERO_HASH, path: [] }),
    entries('an entry is changed', changed, 3, 'does not follow the entry before'),
    entries(
      'an entry is left out',
      texts.filter((_, i) => i !== 2),
      2,
      'is not the next number',
    ),
    entries(
      'two entries are exchanged',
      texts.map((text, i) => (i === 2 ? (texts[3] as string) : i === 3 ? (texts[2] as string) : text)),
      2,
      'is not the next number',
    ),
    entries(
      'white space in an entry',
      texts.map((text, i) => (i === 2 ? text.replace(',', ', ') : text)),
      2,
      'is not canonical JSON',
    ),
    entries('keys that are not sorted', ['{"seq":0,"prev":"","at":0,"kind":"start","payload":{}}'], 0, 'is not canonical JSON'),
    entries(
      'a pruned entry with another hash',
      [texts[0] as string, `{"pruned":"${hash(1)}","seq":1}`, texts[2] as string],
      2,
      'does not follow the entry before',
    ),
    entries('a pruned entry with half a hash', [texts[0] as string, '{"pruned":"0x12","seq":1}'], 1, 'is no entry'),
  ]
}
