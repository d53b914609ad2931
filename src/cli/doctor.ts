import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, programPath } from '../config/paths.ts'
import { examineMachine } from '../doctor/doctor.ts'
import type { DoctorDeps, DoctorInit, Finding } from '../doctor/types.ts'
import { complain } from './complain.ts'
import type { DoctorOptions } from './doctor.options.ts'
import { findingLine } from './finding-view.ts'
import { untilSignal } from './until-signal.ts'

/** Runs `fisherman doctor` and returns its exit code: 0 when nothing failed, 1 when something did, 2 for our own errors. */
export async function doctorCommand(
  options: DoctorOptions,
  init: Partial<DoctorInit> = {},
  deps: DoctorDeps = {},
  signal: AbortSignal = untilSignal(),
): Promise<number> {
  const { json = false, refresh = false } = options
  try {
    const place: DoctorInit = {
      ffmpegPath: 'ffmpeg',
      searchPath: programPath(),
      scratchDir: join(tmpdir(), 'fisherman-doctor'),
      cacheFile: join(cacheFolder(), 'hardware.json'),
      refresh,
      ...init,
    }
    const tell = json ? {} : { tell: (finding: Finding) => console.log(findingLine(finding)) }
    const diagnosis = await examineMachine(place, { ...deps, ...tell }, signal)
    if (json) console.log(JSON.stringify({ ok: diagnosis.ok, checks: diagnosis.findings, hardware: diagnosis.hardware ?? null }))
    return diagnosis.ok ? 0 : 1
  } catch (error) {
    if (signal.aborted) return 130
    complain('doctor', error)
    return 2
  }
}
