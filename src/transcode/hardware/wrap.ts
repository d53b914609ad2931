import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { FishermanError } from '../../base/errors.ts'
import type { DecodeRun } from '../decode.ts'
import { openWrapper, type SandboxMode, type Wrapper } from '../sandbox.ts'
import type { MediaLimits } from '../types.ts'

/** CUDA reserves address space for all memory of the machine and of its cards: all that a 64-bit process has. */
const ADDRESS_BYTES = 2 ** 47
/** A driver that hangs in the kernel outlives even SIGKILL; after so long we go on without it. */
const KILL_GRACE_MS = 2_000

export interface WrapInit {
  ffmpeg: string
  searchPath: string
  sandbox?: SandboxMode | undefined
  nice?: number | undefined
}

/** Makes the wrapper of jobs that may use a device, in their scratch folder; `devices` is what the sandbox must let through. */
export type WrapDevice = (folder: string, init: WrapInit, limits: MediaLimits, devices: readonly string[]) => Promise<Wrapper>

export const wrapDevice: WrapDevice = async (folder, init, limits, devices) =>
  await openWrapper({ ...init, devices }, folder, { ...limits, addressBytes: ADDRESS_BYTES })

export interface DeviceRun {
  wrap: WrapDevice
  init: WrapInit
  devices: readonly string[]
  /** Milliseconds of wall clock. */
  wallMs: number
}

let jobs = 0

/**
 * Runs one job with a device, in a folder of its own: a job that cannot be killed must not write over what software makes
 * after it. Throws, with a blame of ours, where it takes too long.
 */
export async function withDevice<T>(run: DecodeRun, device: DeviceRun, work: (own: DecodeRun) => Promise<T>): Promise<T> {
  const folder = join(run.folder, `device-${jobs++}`)
  await mkdir(folder)
  const limits = { ...run.limits, wallMs: device.wallMs }
  const wrapper = await device.wrap(folder, device.init, limits, device.devices)
  let timer: NodeJS.Timeout | undefined
  const stuck = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new FishermanError({ code: 'hardware-hangs', message: `not even killed after ${device.wallMs} ms`, blame: 'ours' }),
        ),
      device.wallMs + KILL_GRACE_MS,
    )
  })
  try {
    return await Promise.race([work({ ...run, folder, wrapper, limits }), stuck])
  } finally {
    clearTimeout(timer)
  }
}
