import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { ENDED, standingsOf } from './cases.ts'
import type { ProofLog } from './log.ts'

/** Ending of a bundle's file name; before it stands its evidence hash. */
export const BUNDLE_ENDING = '.fishbundle'
/** Of the file that stands beside a bundle whose pictures are for members only. */
export const PRIVATE_ENDING = '.private'
/** Milliseconds after which a fault that never became a case cannot become one: the statute, 14 rounds, and some room. */
const STATUTE_MS = 15 * 86_400_000

export interface Dropped {
  files: number
  bytes: number
}

/** The folder of bundles: evidence of a case stays until the case is final, a quota bounds the rest. */
export interface EvidenceStore {
  fileOf(evidenceHash: Hex): string
  has(evidenceHash: Hex): Promise<boolean>
  /** Marks evidence as that of a private stream; done before its bundle is there, so that it is never served without the mark. */
  markPrivate(evidenceHash: Hex): Promise<void>
  /** Removes what no open case needs and was written before `beforeMs`. */
  dropOld(beforeMs: number): Promise<Dropped>
  /**
   * Removes what no open case needs, oldest first, until all bundles together are within `quotaBytes`; `written` was written anew. One run at a time:
   * calls that come meanwhile share the next, and its sum is told to the first of them.
   */
  keepWithin(quotaBytes: number, written: Hex): Promise<Dropped>
}

const NOTHING: Dropped = { files: 0, bytes: 0 }

interface Kept {
  file: string
  evidenceHash: string
  bytes: number
  atMs: number
}

export function createEvidenceStore(
  init: { folder: string },
  deps: { log: Pick<ProofLog, 'find'>; nowMs: () => number },
): EvidenceStore {
  const { folder } = init

  /** Evidence hashes of cases that are not final. */
  async function needed(): Promise<Set<string>> {
    const tooOldMs = deps.nowMs() - STATUTE_MS
    const open = [...standingsOf(await deps.log.find({ kind: 'case' })).values()].filter(
      ({ state, sinceMs }) => !ENDED.includes(state) && !(state === 'found' && sinceMs < tooOldMs),
    )
    return new Set(open.flatMap(({ evidenceHash }) => evidenceHash ?? []))
  }

  /** As last looked at. Who writes a bundle names it, so that not every file is looked at again for each of them. */
  const seen = new Map<string, Kept>()

  async function kept(): Promise<Kept[]> {
    const names = await readdir(folder).catch((): string[] => [])
    const there = new Set(
      names.filter((name) => name.endsWith(BUNDLE_ENDING)).map((name) => name.slice(0, -BUNDLE_ENDING.length)),
    )
    for (const gone of seen.keys()) if (!there.has(gone)) seen.delete(gone)
    for (const evidenceHash of there) {
      if (seen.has(evidenceHash)) continue
      const file = join(folder, `${evidenceHash}${BUNDLE_ENDING}`)
      // One by one: thousands of files must not be asked for at once.
      const info = await stat(file).catch(() => undefined)
      if (info) seen.set(evidenceHash, { file, evidenceHash, bytes: info.size, atMs: info.mtimeMs })
    }
    return [...seen.values()].sort((a, b) => a.atMs - b.atMs)
  }

  async function drop(bundles: readonly Kept[]): Promise<Dropped> {
    for (const { file } of bundles) {
      await rm(file, { force: true })
      for (const ending of ['.png', PRIVATE_ENDING]) await rm(`${file}${ending}`, { force: true })
    }
    return { files: bundles.length, bytes: bundles.reduce((sum, { bytes }) => sum + bytes, 0) }
  }

  async function reduce(quotaBytes: number): Promise<Dropped> {
    const all = await kept()
    let over = all.reduce((sum, { bytes }) => sum + bytes, 0) - quotaBytes
    if (over <= 0) return NOTHING
    const open = await needed()
    const going: Kept[] = []
    for (const bundle of all) {
      if (over <= 0) break
      if (open.has(bundle.evidenceHash)) continue
      going.push(bundle)
      over -= bundle.bytes
    }
    return await drop(going)
  }

  let running: Promise<unknown> = Promise.resolve()
  let further: { all: { quotaBytes: number; written: Set<Hex> }; run: Promise<Dropped> } | undefined

  /** What is written while a run looks around may be missed by it: so there is one more, for all that came meanwhile. */
  function reduceNext(quotaBytes: number, written: Hex): Promise<Dropped> {
    const all = { quotaBytes, written: new Set([written]) }
    const run = running.then(async () => {
      further = undefined
      for (const evidenceHash of all.written) seen.delete(evidenceHash)
      return await reduce(all.quotaBytes)
    })
    further = { all, run }
    running = run.catch(() => undefined)
    return run
  }

  return {
    fileOf: (evidenceHash) => join(folder, `${evidenceHash}${BUNDLE_ENDING}`),
    has: async (evidenceHash) =>
      await stat(join(folder, `${evidenceHash}${BUNDLE_ENDING}`)).then(
        () => true,
        () => false,
      ),
    async markPrivate(evidenceHash) {
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, `${evidenceHash}${BUNDLE_ENDING}${PRIVATE_ENDING}`), '')
    },
    async dropOld(beforeMs) {
      const open = await needed()
      // Perhaps another program wrote here.
      seen.clear()
      return await drop((await kept()).filter(({ evidenceHash, atMs }) => atMs < beforeMs && !open.has(evidenceHash)))
    },
    async keepWithin(quotaBytes, written) {
      if (!further) return await reduceNext(quotaBytes, written)
      const { all, run } = further
      all.written.add(written)
      all.quotaBytes = Math.min(all.quotaBytes, quotaBytes)
      await run
      return NOTHING
    },
  }
}
