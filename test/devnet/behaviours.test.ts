import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { windowLeaf } from '../../proofs/digest.ts'
import { equivocationOf, passThroughOf } from '../../proofs/faults.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { signerOf } from '../../proofs/signature.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import type { Behaviour } from '../../src/devnet/work.ts'
import { readReceiptLine } from '../../src/receipt/row.ts'
import { DOMAIN } from '../helpers/fixtures.ts'
import { type Clips, difference, drawSegments, lookAt, sharpness } from './clips.ts'
import { type Bench, bench } from './orchestrators.ts'

let clips: Clips
beforeAll(async () => {
  clips = await drawSegments(3)
})
afterAll(() => clips.clean())

/** Runs a node over the segments, closes the window, checks all that a fisherman would, and hands over the receipts in order of work. */
async function trade(behaviour: Behaviour, count: number, look: (bench: Bench, rows: Row[]) => Promise<void>): Promise<void> {
  const node = await bench(behaviour)
  try {
    for (const segment of clips.segments.slice(0, count)) expect((await node.send(segment)).json.error).toBeUndefined()
    // An equivocating node signs its second receipt after it answered; the next answer, or this pause, comes later.
    if (behaviour === 'equivocate') await new Promise((resolve) => setTimeout(resolve, 1000))
    const { window, sig } = await node.closeWindow()
    expect(signerOf(DOMAIN, 'WindowRoot', window, sig)).toBe(node.signer.address)
    const text = await (await fetch(`${node.node.url}/fisherman/v1/receipts?window=${window.windowId}`)).text()
    const rows = text
      .split('\n')
      .filter(Boolean)
      .map((line) => readReceiptLine(DOMAIN, JSON.parse(line)))
    expect(merkleTree(rows.map((row, i) => windowLeaf(i, row.digest))).root).toBe(window.root)
    expect(rows.length).toBe(window.count)
    for (const row of rows) {
      expect(row.signer).toBe(node.signer.address)
      expect(row.receipt.completedAt / 4n).toBe(window.windowId)
      for (const leaf of row.renditions) expect(leaf.pixels).toBe(BigInt(leaf.width * leaf.height * leaf.frames))
    }
    await look(
      node,
      rows.sort((a, b) => Number(a.receipt.seq - b.receipt.seq)),
    )
  } finally {
    await node.stop()
  }
}

type Row = ReturnType<typeof readReceiptLine>

/** Bytes of a rendition, checked against its leaf, and what they show. */
async function pictures(node: Bench, row: Row, index: number): Promise<number[][]> {
  const leaf = row.renditions[index]!
  const response = await node.blob(leaf.contentHash)
  expect(response.status).toBe(200)
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(await keccakOf(bytes)).toBe(leaf.contentHash)
  expect(BigInt(bytes.length)).toBe(leaf.byteLength)
  const file = join(clips.folder, `${leaf.contentHash}.ts`)
  await writeFile(file, bytes)
  const frames = await lookAt(file)
  expect(frames.length).toBe(leaf.frames)
  return frames
}

const source = (index: number) => lookAt(clips.files[index]!)

/** Largest difference of two runs of pictures. */
function worst(a: number[][], b: number[][]): number {
  return Math.max(...a.map((frame, i) => difference(frame, b[i] ?? [])))
}

/** Sharpness of the first rung's middle picture beside that of the first segment at the same size; after `pictures`. */
async function keptSharpness(row: Row): Promise<number> {
  const { contentHash, width, height } = row.renditions[0]!
  const made = await lookAt(join(clips.folder, `${contentHash}.ts`), width, height)
  const wanted = await lookAt(clips.files[0]!, width, height)
  return sharpness(made[30]!) / sharpness(wanted[30]!)
}

describe('behaviours', () => {
  it('honest: the ladder as ordered, and the source to check it against', () =>
    trade('honest', 2, async (node, rows) => {
      expect(rows.length).toBe(2)
      const sizes = rows[0]!.renditions.map(({ width, height, frames }) => [width, height, frames])
      expect(sizes).toEqual([
        [426, 240, 60],
        [256, 144, 60],
      ])
      for (const leaf of rows[0]!.renditions) expect(Math.abs(leaf.durationMs - 2000)).toBeLessThan(50)
      for (const i of [0, 1]) {
        expect(worst(await pictures(node, rows[i]!, 0), await source(i))).toBeLessThan(6)
        expect(worst(await pictures(node, rows[i]!, 1), await source(i))).toBeLessThan(6)
        expect(await keptSharpness(rows[i]!)).toBeGreaterThan(0.95)
        expect((await node.blob(rows[i]!.receipt.sourceHash)).status).toBe(200)
      }
    }))

  it('passthrough: an O3 on every receipt', () =>
    trade('passthrough', 1, async (node, [row]) => {
      const { receipt, signature, renditions } = row!
      expect(passThroughOf(DOMAIN, { receipt, signature }, renditions)?.fault.faultClass).toBe('O3')
      expect(worst(await pictures(node, row!, 1), await source(0))).toBe(0)
    }))

  it('replay: honest first, then always the segment before', () =>
    trade('replay', 3, async (node, rows) => {
      expect(rows[1]!.renditions.map((leaf) => leaf.contentHash)).toEqual(rows[0]!.renditions.map((leaf) => leaf.contentHash))
      expect(worst(await pictures(node, rows[0]!, 0), await source(0))).toBeLessThan(6)
      expect(worst(await pictures(node, rows[2]!, 0), await source(1))).toBeLessThan(6)
      expect(worst(await pictures(node, rows[2]!, 0), await source(2))).toBeGreaterThan(9)
    }))

  it('upscale: the size that was ordered with less in it', () =>
    trade('upscale', 1, async (node, [row]) => {
      expect(row!.renditions.map(({ width, height }) => [width, height])).toEqual([
        [426, 240],
        [256, 144],
      ])
      expect(worst(await pictures(node, row!, 0), await source(0))).toBeLessThan(14)
      expect(await keptSharpness(row!)).toBeLessThan(0.87)
    }))

  it('freeze: the first picture for the whole segment, with all of its frames', () =>
    trade('freeze', 1, async (node, [row]) => {
      const frames = await pictures(node, row!, 0)
      expect(frames.length).toBe(60)
      expect(worst(frames.slice(0, 1), await source(0))).toBeLessThan(6)
      expect(
        worst(
          frames,
          frames.map(() => frames[0]!),
        ),
      ).toBeLessThan(4)
    }))

  it('equivocate: two receipts for one order, an O1', () =>
    trade('equivocate', 1, async (node, rows) => {
      expect(rows.length).toBe(2)
      const [a, b] = rows.map(({ receipt, signature }) => ({ receipt, signature }))
      expect(equivocationOf(DOMAIN, a!, b!)?.fault.faultClass).toBe('O1')
      for (const row of rows) expect(worst(await pictures(node, row, 1), await source(0))).toBeLessThan(6)
    }))

  it('withhold: receipts without bytes', () =>
    trade('withhold', 1, async (node, [row]) => {
      for (const leaf of row!.renditions) expect((await node.blob(leaf.contentHash)).status).toBe(404)
      expect((await node.blob(row!.receipt.sourceHash)).status).toBe(404)
    }))
})
