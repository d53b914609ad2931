import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readBundleInputs } from '../../proofs/bundle.ts'
import type { Hex } from '../../proofs/types.ts'
import { namesBeyondNewest } from '../base/newest-files.ts'
import type { Film } from '../film.ts'
import type { Judge } from '../judge.ts'
import type { EvidenceStore } from '../prooflog/evidence.ts'
import { unpackBundle } from '../prooflog/unpack.ts'

/** A film strip on disk: what is in it, and the picture. */
export interface KeptFilm extends Film {
  file: string
}

/** Draws evidence for people to look at, when they ask. */
export interface FilmDesk {
  /** Undefined where the evidence is not kept or has no pictures; `busy` while as many as may be are drawn. */
  film(evidenceHash: Hex): Promise<KeptFilm | 'busy' | undefined>
}

/** Films that are kept; one has half a megabyte or so. */
const MAX_FILMS = 64
/** Films that may be drawn or wait for it: they take the places of checks. */
const MAX_DRAWING = 2

export function createFilmDesk(
  init: { folder: string; scratchDir: string },
  deps: { judge: Pick<Judge, 'writeFilm'>; evidence: Pick<EvidenceStore, 'fileOf' | 'has'>; signal: AbortSignal },
): FilmDesk {
  const drawing = new Map<Hex, Promise<KeptFilm | undefined>>()

  async function draw(evidenceHash: Hex, at: { file: string; about: string }): Promise<KeptFilm | undefined> {
    await mkdir(init.scratchDir, { recursive: true })
    const scratch = await mkdtemp(join(init.scratchDir, 'film-'))
    try {
      const { inputs, notes, files } = await unpackBundle(deps.evidence.fileOf(evidenceHash), scratch)
      const [source, rendition] = [files.get('inputs/source.bin'), files.get('inputs/rendition.bin')]
      // A fault that signatures prove has no pictures.
      if (!source || !rendition) return undefined
      const { profiles, rendition: leaf } = readBundleInputs(inputs)
      const profile = profiles[leaf.index]
      const request = { source, rendition, marked: markedIn(notes['verdict.json']), ...(profile ? { profile } : {}) }
      const picture = join(scratch, 'film.webp')
      const film = await deps.judge.writeFilm(request, picture, { signal: deps.signal })
      await mkdir(init.folder, { recursive: true })
      await rename(picture, at.file)
      await writeFile(join(scratch, 'film.json'), JSON.stringify(film))
      await rename(join(scratch, 'film.json'), at.about)
      await dropOld(init.folder)
      return { ...film, file: at.file }
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }

  return {
    async film(evidenceHash) {
      const at = { file: join(init.folder, `${evidenceHash}.webp`), about: join(init.folder, `${evidenceHash}.json`) }
      // Evidence that was removed is not shown any more.
      if (!(await deps.evidence.has(evidenceHash))) return undefined
      const kept = await readFile(at.about, 'utf8').catch(() => undefined)
      if (kept !== undefined) return { ...(JSON.parse(kept) as Film), file: at.file }
      const running = drawing.get(evidenceHash)
      if (running) return await running
      if (drawing.size >= MAX_DRAWING) return 'busy'
      const made = draw(evidenceHash, at).finally(() => drawing.delete(evidenceHash))
      drawing.set(evidenceHash, made)
      return await made
    },
  }
}

/** The frames that the verdict of a bundle names, the worst first. */
function markedIn(note: unknown): number[] {
  const { verdict } = (note ?? {}) as { verdict?: { worst?: unknown; reasons?: unknown } | null }
  const worst = Array.isArray(verdict?.worst) ? verdict.worst : []
  const reasons = (Array.isArray(verdict?.reasons) ? verdict.reasons : []) as { frame?: unknown }[]
  return [...worst, ...reasons.map((reason) => reason?.frame)].filter((frame) => Number.isSafeInteger(frame) && frame >= 0)
}

async function dropOld(folder: string): Promise<void> {
  for (const name of await namesBeyondNewest(folder, '.json', MAX_FILMS)) {
    // The text first: without it the picture is not shown.
    await rm(join(folder, name), { force: true })
    await rm(join(folder, name.replace(/json$/, 'webp')), { force: true })
  }
}
