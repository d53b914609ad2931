import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { createJudge } from '../../src/judge.ts'
import { corpus, scratch } from '../transcode/clips.ts'

/** Fingerprints of real footage: the same bits on every machine, whatever its processor and its build of ffmpeg. */
const VECTORS = resolve(import.meta.dirname, '../../proofs/vectors/media.json')
const FILES = ['bikes.mp4', 'carphone_pristine.mp4', 'transmux.ts', 'master_2s_1080.mp4', 'test.flv']
const draw = {
  beacon: `0x${'11'.repeat(32)}`,
  sampleId: `0x${'22'.repeat(32)}`,
  fisherman: `0x${'33'.repeat(20)}`,
} as const

const footage = corpus()
if (!footage) it.skip('fingerprints of real footage: no corpus in FISHERMAN_CORPUS or ../shared/corpus', () => {})
else {
  it('gives real footage the fingerprints that are written down', { timeout: 120_000 }, async () => {
    const judge = createJudge({ scratchDir: scratch, maxJobs: 2 })
    const vectors = await Promise.all(
      FILES.filter((name) => existsSync(join(footage, 'natural', name))).map(async (name) => {
        const path = join(footage, 'natural', name)
        const { renditions } = await judge.examine({ source: path, renditions: [{ path, draw }], depth: 'check' }, [])
        const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
        return { file: name, sha256, draw, ...renditions[0]?.fingerprint }
      }),
    )
    // They never change: what is measured by another definition is another version, with a file of its own.
    expect(`${JSON.stringify(vectors, null, 2)}\n`).toBe(readFileSync(VECTORS, 'utf8'))
    expect(vectors.every(({ pdq }) => pdq?.length === 8)).toBe(true)
  })
}
