import { randomInt } from 'node:crypto'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { FishermanError } from '../base/errors.ts'
import { programPath } from '../config/paths.ts'
import { createJudge } from '../judge.ts'
import { addressRule } from '../livepeer/reach.ts'
import { playback, type SeenSegment } from './playback.ts'

export interface PlaybackRequest {
  url: string
  segments: number
  /** Folder for contact sheets, made where it is missing; without it no picture is kept. */
  sheets?: string
  /** Addresses of this machine and of private networks are connected to as well. */
  allowPrivate: boolean
}

/** `playback` with this machine's judge and a folder that is gone afterwards. */
export async function playbackAt(
  request: PlaybackRequest,
  deps: { onStep?(step: string): void; onSegment?(segment: SeenSegment): void },
  signal: AbortSignal,
): Promise<SeenSegment[]> {
  const { sheets } = request
  if (sheets !== undefined) await folderFor(sheets)
  const scratchDir = await mkdtemp(join(tmpdir(), 'fisherman-playback-'))
  const judge = createJudge({ scratchDir: join(scratchDir, 'judge'), searchPath: programPath(), maxJobs: 1 })
  try {
    return await playback(
      {
        ...{ url: request.url, segments: request.segments, scratchDir },
        mayConnect: addressRule(request),
      },
      {
        ...{ clock: systemClock, judge, draw: (count) => randomInt(count), ...deps },
        ...(sheets === undefined
          ? {}
          : {
              onLook: async ({ seq }, look) =>
                await judge.writeSheet(look.request, look.result, join(sheets, `segment-${seq}.png`), { signal }),
            }),
      },
      signal,
    )
  } finally {
    await rm(scratchDir, { recursive: true, force: true })
  }
}

async function folderFor(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true }).then(
    async () => (await stat(path)).isDirectory(),
    () => false,
  )
  if (!made)
    throw new FishermanError({ code: 'bad-usage', message: `--sheet ${path}: no folder can be made there`, blame: 'ours' })
}
