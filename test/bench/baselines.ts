import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Profile } from '../../proofs/types.ts'
import { qualityOf } from '../../src/fingerprint/luma.ts'
import { pdq256 } from '../../src/fingerprint/pdq.ts'
import { hashOf, slots } from './cache.ts'

/** What other tools say of a rendition; undefined where the tool could not be applied. */
export interface Baselines {
  /** ffmpeg's `signature` filter (MPEG-7): does the whole of one match the whole of the other? */
  signature: boolean | undefined
  /** Mean SSIM of all planes against the source scaled to the rendition's size. */
  ssim: number | undefined
  /** Mean Hamming distance of PDQ-256 over frames whose quality is at least 50. */
  pdq: number | undefined
}

/** Lines that a user would draw: half of what SSIM's scale calls good, and PDQ's customary 31 of 256 bits. */
export const SSIM_LINE = 0.9
export const PDQ_LINE = 31

export const JUDGES = {
  'MPEG-7 signature': (b: Baselines): boolean | undefined => (b.signature === undefined ? undefined : !b.signature),
  [`SSIM < ${SSIM_LINE}`]: (b: Baselines): boolean | undefined => (b.ssim === undefined ? undefined : b.ssim < SSIM_LINE),
  [`PDQ mean > ${PDQ_LINE}`]: (b: Baselines): boolean | undefined => (b.pdq === undefined ? undefined : b.pdq > PDQ_LINE),
} as const

async function run(args: readonly string[]): Promise<{ text: string; data: Buffer }> {
  return await slots.run(
    async () =>
      await new Promise((resolve, reject) => {
        const child = spawn('ffmpeg', ['-hide_banner', '-nostdin', '-threads', '1', ...args], {
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        const out: Buffer[] = []
        let text = ''
        child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
        child.stderr.on('data', (chunk: Buffer) => {
          text = (text + chunk.toString()).slice(-20_000)
        })
        child.on('error', reject)
        child.on('close', () => resolve({ text, data: Buffer.concat(out) }))
      }),
  )
}

const PLANE = 64 * 64

async function grayPlanes(path: string, rate: string): Promise<Buffer> {
  const filter = `${rate}scale=64:64:flags=area+accurate_rnd+bitexact,format=gray`
  return (await run(['-i', path, '-vf', filter, '-fps_mode', 'passthrough', '-f', 'rawvideo', '-'])).data
}

function hamming(a: string, b: string): number {
  let bits = 0
  for (let i = 2; i < a.length; i++) {
    let x = Number.parseInt(a[i] ?? '0', 16) ^ Number.parseInt(b[i] ?? '0', 16)
    for (; x > 0; x &= x - 1) bits++
  }
  return bits
}

function pdqDistance(a: Buffer, b: Buffer): number | undefined {
  const distances: number[] = []
  for (let n = 0; (n + 1) * PLANE <= Math.min(a.length, b.length); n++) {
    const p = a.subarray(n * PLANE, (n + 1) * PLANE)
    const q = b.subarray(n * PLANE, (n + 1) * PLANE)
    if (qualityOf({ frames: 1, data: p, timesMs: new Float64Array(1) }, 0) < 50) continue
    distances.push(hamming(pdq256(p, 64, 64), pdq256(q, 64, 64)))
  }
  return distances.length > 0 ? distances.reduce((sum, d) => sum + d, 0) / distances.length : undefined
}

/** Asks three other tools about one rendition, with the source scaled and paced as the order says. Kept on disk. */
export async function baselinesOf(
  dir: string,
  source: string,
  rendition: string,
  claim: { width: number; height: number; profile: Profile },
): Promise<Baselines> {
  mkdirSync(dir, { recursive: true })
  const key = createHash('sha256')
    .update(JSON.stringify([hashOf(source), hashOf(rendition), claim]))
    .digest('hex')
    .slice(0, 24)
  const file = join(dir, `${key}.json`)
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Baselines
  const { fpsNum, fpsDen } = claim.profile
  const rate = fpsNum > 0 ? `fps=${fpsNum}/${fpsDen},` : ''
  const size = `scale=${claim.width}:${claim.height}:flags=bicubic`
  const both = (filter: string): string[] => [
    ...['-i', source, '-i', rendition, '-filter_complex'],
    `[0:v:0]${rate}${size},setpts=N/TB/25,format=yuv420p[a];[1:v:0]${size},setpts=N/TB/25,format=yuv420p[b];[a][b]${filter}`,
    ...['-f', 'null', '-'],
  ]
  const [signature, ssim, a, b] = await Promise.all([
    run(both('signature=nb_inputs=2:detectmode=full')),
    run(both('ssim')),
    grayPlanes(source, rate),
    grayPlanes(rendition, ''),
  ])
  const value = /SSIM .*All:([\d.]+)/.exec(ssim.text)?.[1]
  const found: Baselines = {
    signature: /whole video matching/.test(signature.text) ? true : /matching of video/.test(signature.text) ? false : undefined,
    ssim: value === undefined ? undefined : Number(value),
    pdq: pdqDistance(a, b),
  }
  writeFileSync(`${file}.part`, JSON.stringify(found))
  renameSync(`${file}.part`, file)
  return found
}
