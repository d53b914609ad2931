import type { Profile } from '../../proofs/types.ts'
import { encodeControls } from '../transcode/control.ts'
import type { DecodeRun } from '../transcode/decode.ts'
import type { HardwareUse } from '../transcode/hardware/types.ts'
import { demux, readMedia } from '../transcode/probe.ts'
import type { Demuxed } from '../transcode/types.ts'

/** Our own re-transcodes of one claim. */
export interface ControlSet {
  key: string
  files: { path: string; demuxed: Demuxed }[]
  /** Why there are none. */
  error?: unknown
}

/** Renditions with the same claim share one yardstick. */
export function controlKey(profile: Profile): string {
  return Object.entries(profile)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

/** Encodes each distinct claim once. A set that cannot be made holds its error: whether it matters depends on the source. */
export async function encodeControlSets(
  path: string,
  source: Demuxed,
  claims: readonly Profile[],
  presets: readonly string[],
  run: DecodeRun,
  hardware?: HardwareUse,
): Promise<ControlSet[]> {
  const distinct = new Map(claims.map((profile) => [controlKey(profile), profile]))
  const sets: ControlSet[] = []
  for (const [key, profile] of distinct) {
    try {
      const label = String(sets.length)
      const made = await encodeControls({ path, facts: source.facts }, profile, { ...run, label, presets }, hardware)
      const files = await Promise.all(
        made.map(async (control) => ({
          path: control.path,
          demuxed: demux(await readMedia(control.path, run.limits, run.signal)),
        })),
      )
      sets.push({ key, files })
    } catch (error) {
      run.signal?.throwIfAborted()
      sets.push({ key, files: [], error })
    }
  }
  return sets
}
