import { statSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { type Clock, systemClock } from '../../base/clock.ts'
import { requireFfmpeg } from '../sandbox.ts'
import { versionOf } from './build.ts'
import { type Machine, thisMachine } from './devices.ts'
import { type ProbeDeps, type ProbeInit, probeHardware } from './probe.ts'
import { BACKENDS, TABLE_VERSION } from './table.ts'
import type { HardwareReport } from './types.ts'

/** A driver that was mended or broken without a trace in the key is seen after a day. */
const MAX_AGE_MS = 24 * 3_600_000

const ability = z.union([
  z.strictObject({ state: z.literal('trusted'), via: z.enum(['device', 'memory']).optional(), scaler: z.string().optional() }),
  z.strictObject({ state: z.enum(['differs', 'unavailable', 'absent']), why: z.string() }),
])
const abilities = z.strictObject({ h264: ability, hevc: ability })
const fileSchema = z.strictObject({
  key: z.string(),
  triedAtMs: z.number(),
  report: z.strictObject({
    tableVersion: z.number(),
    ffmpeg: z.strictObject({ path: z.string(), version: z.string() }),
    backends: z.array(
      z.strictObject({
        name: z.enum(['cuda-nvenc', 'cuda-decode', 'vaapi', 'qsv', 'videotoolbox']),
        node: z.string().optional(),
        devices: z.array(z.string()),
        decode: abilities,
        encode: abilities,
      }),
    ),
  }),
})

/** All that a trial's outcome hangs on, as far as it can be seen without one. */
async function keyOf(ffmpeg: string, machine: Machine): Promise<string> {
  const { mtimeMs, size } = statSync(ffmpeg)
  const version = await versionOf(ffmpeg)
  const nodes = machine.nodes([...new Set(BACKENDS.flatMap(({ devices }) => devices))])
  const devices = nodes.map((node) => `${node}${machine.mayUse(node) ? '' : ' forbidden'}`)
  return JSON.stringify([TABLE_VERSION, ffmpeg, mtimeMs, size, version, machine.platform, machine.driver(), ...devices])
}

/** A finished report; undefined where there is none, it is damaged, old, or about something else. */
async function read(file: string, key: string, nowMs: number): Promise<HardwareReport | undefined> {
  try {
    const found = fileSchema.parse(JSON.parse(await readFile(file, 'utf8')))
    const ageMs = nowMs - found.triedAtMs
    return found.key === key && ageMs >= 0 && ageMs < MAX_AGE_MS ? found.report : undefined
  } catch {
    return undefined
  }
}

/** Whole or not at all. A folder that cannot be written costs a trial at each start, and nothing else. */
async function write(file: string, content: z.input<typeof fileSchema>): Promise<void> {
  const part = `${file}.${process.pid}.part`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(part, JSON.stringify(content), { mode: 0o600 })
    await rename(part, file)
  } catch {
    await rm(part, { force: true }).catch(() => undefined)
  }
}

export interface ReportInit extends ProbeInit {
  /** Keeps the report between starts. */
  cacheFile: string
  /** Try again, whatever the file says. */
  refresh?: boolean
}

/** The report of this machine: from the file where it still holds, else from a trial, which is then kept. */
export async function hardwareReport(
  init: ReportInit,
  deps: ProbeDeps & { clock?: Clock; probe?: typeof probeHardware } = {},
  signal?: AbortSignal,
): Promise<{ report: HardwareReport; cached: boolean }> {
  const { machine = thisMachine, clock = systemClock, probe = probeHardware } = deps
  const ffmpeg = requireFfmpeg(init.ffmpegPath, init.searchPath)
  const key = await keyOf(ffmpeg, machine)
  const kept = init.refresh ? undefined : await read(init.cacheFile, key, clock.nowMs())
  if (kept) return { report: kept, cached: true }
  const report = await probe({ ...init, ffmpegPath: ffmpeg }, deps, signal)
  await write(init.cacheFile, { key, triedAtMs: clock.nowMs(), report })
  return { report, cached: false }
}
