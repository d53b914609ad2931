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
  /** Removes what no open case needs, oldest first, until all bundles together are within `quotaBytes`. */
  keepWithin(quotaBytes: number): Promise<Dropped>
}

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

  async function kept(): Promise<Kept[]> {
    const names = await readdir(folder).catch(() => [])
    const found = await Promise.all(
      names
        .filter((name) => name.endsWith(BUNDLE_ENDING))
        .map(async (name): Promise<Kept[]> => {
          const file = join(folder, name)
          const info = await stat(file).catch(() => undefined)
          if (!info) return []
          return [{ file, evidenceHash: name.slice(0, -BUNDLE_ENDING.length), bytes: info.size, atMs: info.mtimeMs }]
        }),
    )
    return found.flat().sort((a, b) => a.atMs - b.atMs)
  }

  async function drop(bundles: readonly Kept[]): Promise<Dropped> {
    for (const { file } of bundles) {
      await rm(file, { force: true })
      for (const ending of ['.png', PRIVATE_ENDING]) await rm(`${file}${ending}`, { force: true })
    }
    return { files: bundles.length, bytes: bundles.reduce((sum, { bytes }) => sum + bytes, 0) }
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
      return await drop((await kept()).filter(({ evidenceHash, atMs }) => atMs < beforeMs && !open.has(evidenceHash)))
    },
    async keepWithin(quotaBytes) {
      const all = await kept()
      let over = all.reduce((sum, { bytes }) => sum + bytes, 0) - quotaBytes
      if (over <= 0) return { files: 0, bytes: 0 }
      const open = await needed()
      const going: Kept[] = []
      for (const bundle of all) {
        if (over <= 0) break
        if (open.has(bundle.evidenceHash)) continue
        going.push(bundle)
        over -= bundle.bytes
      }
      return await drop(going)
    },
  }
}
