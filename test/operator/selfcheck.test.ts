import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { type Blame, FishermanError } from '../../src/base/errors.ts'
import { exitCodeOf, selfCheckLines } from '../../src/cli/selfcheck.ts'
import type { Behaviour } from '../../src/devnet/work.ts'
import { createJudge } from '../../src/judge.ts'
import { type SelfCheck, type SelfCheckDeps, selfCheck } from '../../src/operator/selfcheck.ts'
import { networkOf } from '../../src/operator/selfcheck-at.ts'
import { type Clips, drawSegments } from '../devnet/clips.ts'
import { bench, MEMBER } from '../devnet/orchestrators.ts'
import { DOMAIN } from '../helpers/fixtures.ts'

let clips: Clips
let folder: string
beforeAll(async () => {
  clips = await drawSegments(2)
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-selfcheck-'))
}, 60_000)
afterAll(async () => {
  await clips?.clean()
  await rm(folder, { recursive: true, force: true })
})

/** A node that has worked for two segments, as its own operator sees it. */
async function check(
  behaviour: Behaviour,
  init: {
    key?: boolean
    url?: string
    stranger?: boolean
    idle?: boolean
    windowSeconds?: number
    judge?: SelfCheckDeps['judge']
  } = {},
): Promise<SelfCheck> {
  const node = await bench(behaviour)
  try {
    if (!init.idle) for (const segment of clips.segments) await node.send(segment)
    if (behaviour === 'equivocate') await new Promise((resolve) => setTimeout(resolve, 1000))
    await node.closeWindow()
    const { signer, ledger } = node
    const scratchDir = join(folder, behaviour)
    return await selfCheck(
      {
        ...{ domain: DOMAIN, windowSeconds: init.windowSeconds ?? 4, receipts: 2, scratchDir },
        feed: { transcoder: init.stranger ? MEMBER.address : signer.address, url: init.url ?? node.node.url },
      },
      {
        ...{ clock: systemClock, nowSec: () => Number(ledger.now()), round: async () => 7n },
        isSigner: async (transcoder, key) => transcoder === key,
        judge: init.judge ?? createJudge({ scratchDir: join(scratchDir, 'judge'), maxJobs: 1 }),
        ...(init.key === false
          ? {}
          : {
              authorize: async (body) => ({
                address: signer.address,
                signature: await signer.signStruct(DOMAIN, 'BlobRequest', body),
              }),
            }),
      },
      new AbortController().signal,
    )
  } finally {
    await node.stop()
  }
}

describe('fisherman selfcheck', { timeout: 120_000 }, () => {
  it('has nothing to say of a node that works', async () => {
    const found = await check('honest')
    expect(found.verdicts?.map(({ outcome }) => outcome)).toEqual(found.verdicts?.map(() => 'pass'))
    expect([found.windows, found.receipts, found.verdicts?.length]).toEqual([1, 2, 4])
    expect([found.broken, found.faults, exitCodeOf(found)]).toEqual([[], [], 0])
    expect(selfCheckLines(found).at(-1)).toMatch(/^pictures {2}4 renditions: 4 pass; the slowest blob took \d+ ms$/)
  })

  it('shows a wrong picture with its reasons, and the way to the segment', async () => {
    const found = await check('freeze')
    expect(exitCodeOf(found)).toBe(1)
    const lines = selfCheckLines(found).join('\n')
    expect(lines).toMatch(/FAIL \(D2\) {2}segment 0, rendition 0 \(\d+x\d+\), receipt 0x[0-9a-f]{64}\n {4}- \S+: /)
  })

  it('shows what signatures prove without a key, and says what it did not look at', async () => {
    const found = await check('passthrough', { key: false })
    expect(found.faults.map(({ faultClass }) => faultClass)).toContain('O3')
    expect(found.verdicts).toBeUndefined()
    expect(exitCodeOf(found)).toBe(1)
    expect(selfCheckLines(found).at(-1)).toMatch(/not looked at: name a key/)
  })

  it('shows bytes that are not served', async () => {
    const found = await check('withhold')
    expect(new Set(found.verdicts?.map(({ outcome }) => outcome))).toEqual(new Set(['withheld']))
    expect(selfCheckLines(found).join('\n')).toMatch(/WITHHELD .*\n {4}- .*answered 404/)
  })

  it('says why a feed cannot be read: nobody answers, or it is of another node', async () => {
    expect((await check('honest', { url: 'http://127.0.0.1:9' })).broken).toEqual([expect.stringMatching(/127\.0\.0\.1:9/)])
    const other = await check('honest', { stranger: true })
    expect(other.broken).toEqual([expect.stringMatching(/a window is of another node/)])
    expect(exitCodeOf(other)).toBe(1)
  })

  it.each<Blame>(['unknown', 'theirs'])(
    'has doubts where the judge fails by fault of %s, as a fisherman has, and never a fail',
    async (blame) => {
      const late = new FishermanError({ code: 'job-timeout', message: 'ffmpeg took more than 60 s', blame })
      const found = await check('honest', { judge: { judge: async () => await Promise.reject(late) } })
      expect(found.verdicts?.map(({ outcome }) => outcome)).toEqual(Array(4).fill('inconclusive'))
      expect(exitCodeOf(found)).toBe(3)
      expect(selfCheckLines(found).join('\n')).toMatch(/INCONCLUSIVE .*\n {4}- ffmpeg took more than 60 s/)
    },
  )

  it('proves what does not decode, as a fisherman does: noise fails, and is no doubt', async () => {
    const unreadable = { code: 'rendition-unreadable', class: 'rendition', value: 1, limit: 0, sees: 'noise' }
    const depths: string[] = []
    const judge = {
      async judge({ renditions, depth }: Parameters<SelfCheckDeps['judge']['judge']>[0]) {
        depths.push(`${depth} ${renditions.length}`)
        const verdict = depth === 'prove' ? { verdict: 'fail', faultClass: 'D3' } : { verdict: 'inconclusive' }
        return { renditions: renditions.map(() => ({ ...verdict, reasons: [unreadable] })) } as never
      },
    }
    const found = await check('honest', { judge })
    expect(found.verdicts?.map(({ outcome, faultClass }) => [outcome, faultClass])).toEqual(Array(4).fill(['fail', 'D3']))
    expect(depths.slice(0, 3)).toEqual(['check 2', 'prove 1', 'prove 1'])
  })

  it('says what is our own fault as that, of no node', async () => {
    const full = new FishermanError({ code: 'scratch', message: 'the disk is full', blame: 'ours' })
    await expect(check('honest', { judge: { judge: async () => await Promise.reject(full) } })).rejects.toThrow(
      'the disk is full',
    )
  })

  it('says that nothing was looked at, and why that may be, where there is no receipt', async () => {
    const found = await check('honest', { idle: true })
    expect([found.receipts, found.broken, exitCodeOf(found)]).toEqual([0, [], 3])
    const lines = selfCheckLines(found).join('\n')
    expect(lines).toMatch(/^nothing +was looked at: /m)
    expect(lines).toMatch(/windows of 4 s.*--network/)
    expect(lines).not.toMatch(/none that signatures prove|name a key/)
    // Read with the windows of a faster network, a feed seems to have none of late.
    const other = await check('honest', { windowSeconds: 1 })
    expect([other.receipts, exitCodeOf(other)]).toEqual([0, 3])
  })
})

describe('the network of a self-check', () => {
  it('follows from the chain', () => {
    expect(networkOf(undefined, 42_161n)).toBe('arbitrum-one')
    expect(networkOf(undefined, 421_614n)).toBe('arbitrum-sepolia')
    expect(networkOf(undefined, 31_337n)).toBe('local')
    expect(networkOf('local', 42_161n)).toBe('local')
  })

  it('must be said where the chain is of none', () => {
    expect(() => networkOf(undefined, 777n)).toThrow(/chain 777 .*--network/)
    expect(() => networkOf('arbitrum', 42_161n)).toThrow(/--network 'arbitrum': must be one of local/)
  })
})
