import { messageOf } from '../base/errors.ts'
import type { HardwareReport } from '../transcode/hardware/types.ts'
import { findProgram } from '../transcode/sandbox.ts'
import { hardwareCheckUp } from './hardware.ts'
import { fontCheckUp, scratchCheckUp } from './places.ts'
import { ffmpegCheckUp, nodeCheckUp, sandboxCheckUp } from './programs.ts'
import { selfTestCheckUp } from './self-test.ts'
import type { CheckUp, DoctorDeps, DoctorInit, Finding, Patient } from './types.ts'

/** From what everything needs to what needs everything; a new thing to look at is one more of these. */
export const CHECK_UPS: readonly CheckUp[] = [
  nodeCheckUp,
  ffmpegCheckUp,
  sandboxCheckUp,
  fontCheckUp,
  scratchCheckUp,
  hardwareCheckUp,
  selfTestCheckUp,
]
/** Of no use without ffmpeg, whose own line says so. */
const NEED_FFMPEG = new Set(['hardware', 'self-test'])

export interface Diagnosis {
  /** Nothing failed. */
  ok: boolean
  findings: Finding[]
  hardware: HardwareReport | undefined
}

/** Looks at everything in turn and tells each finding as soon as it is there. Throws only when aborted. */
export async function examineMachine(
  init: DoctorInit,
  deps: DoctorDeps & { checkUps?: readonly CheckUp[]; tell?: (finding: Finding) => void } = {},
  signal?: AbortSignal,
): Promise<Diagnosis> {
  const patient: Patient = { init, deps, signal }
  const findings: Finding[] = []
  const hasFfmpeg = findProgram(init.ffmpegPath, init.searchPath) !== undefined
  for (const { name, look } of deps.checkUps ?? CHECK_UPS) {
    if (NEED_FFMPEG.has(name) && !hasFfmpeg) continue
    const found = await look(patient).catch((error: unknown): Finding[] => {
      signal?.throwIfAborted()
      return [{ name, state: 'failed', says: messageOf(error).split('\n')[0] ?? '' }]
    })
    signal?.throwIfAborted()
    findings.push(...found)
    if (deps.tell) for (const finding of found) deps.tell(finding)
  }
  return { ok: findings.every(({ state }) => state !== 'failed'), findings, hardware: patient.hardware }
}
