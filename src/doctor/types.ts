import type { Clock } from '../base/clock.ts'
import type { Machine } from '../transcode/hardware/devices.ts'
import type { HardwareReport } from '../transcode/hardware/types.ts'
import type { WrapDevice } from '../transcode/hardware/wrap.ts'
import type { SandboxMode, trySandbox } from '../transcode/sandbox.ts'

/** `warning`: works, but not as well as it could. `failed`: a verdict cannot be trusted, or not be made at all. */
export type State = 'ok' | 'warning' | 'failed'

/** One line of the doctor. */
export interface Finding {
  /** Short and fixed: scripts look for it. */
  name: string
  state: State
  says: string
  /** What to type, or to do, to mend it. */
  mend?: string
}

export interface DoctorInit {
  /** Name or path of ffmpeg. */
  ffmpegPath: string
  searchPath: string
  scratchDir: string
  /** Where the report of the hardware is kept. */
  cacheFile: string
  /** Try the hardware again, whatever is kept. */
  refresh: boolean
  sandbox?: SandboxMode
}

/** What the doctor asks of the world; each has a real default. */
export interface DoctorDeps {
  nodeVersion?: string
  clock?: Clock
  machine?: Machine
  wrap?: WrapDevice
  canDrawText?: () => Promise<boolean>
  /** Free bytes where a folder lies. */
  freeBytes?: (folder: string) => Promise<number>
  trySandbox?: typeof trySandbox
}

/** What check-ups share and hand on. */
export interface Patient {
  init: DoctorInit
  deps: DoctorDeps
  signal: AbortSignal | undefined
  /** Set by the check-up of the hardware. */
  hardware?: HardwareReport
}

/** Looks at one thing. A throw is a failed finding of its own. */
export interface CheckUp {
  name: string
  look(patient: Patient): Promise<Finding[]>
}
