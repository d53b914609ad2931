import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { type LoadedConfig, readConfig } from '../config/load.ts'
import { cacheFolder, configFile, programPath } from '../config/paths.ts'
import { examineMachine } from '../doctor/doctor.ts'
import { examineInstallation } from '../doctor/installation.ts'
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
    const { findings: machine, hardware } = await examineMachine(place, { ...deps, ...tell }, signal)
    const checks = [...machine, ...(await installation(options, tell, signal))]
    const ok = checks.every(({ state }) => state !== 'failed')
    if (json) console.log(JSON.stringify({ ok, checks, hardware: hardware ?? null }))
    return ok ? 0 : 1
  } catch (error) {
    if (signal.aborted) return 130
    complain('doctor', error)
    return 2
  }
}

/** What the configuration names, where there is one. */
async function installation(
  options: DoctorOptions,
  deps: { tell?: (finding: Finding) => void },
  signal: AbortSignal,
): Promise<Finding[]> {
  const alone = (finding: Omit<Finding, 'name'>): Finding[] => {
    const one = { name: 'configuration', ...finding }
    deps.tell?.(one)
    return [one]
  }
  if (options.config === undefined && !existsSync(configFile()))
    return alone({ state: 'ok', says: `none at ${configFile()}: only this machine was looked at; fisherman init writes one` })
  let loaded: LoadedConfig
  try {
    loaded = readConfig({ file: options.config })
  } catch (error) {
    return alone({
      state: 'failed',
      says: messageOf(error).replace(/\n\s*/g, ' '),
      mend: 'fisherman config reference names every key',
    })
  }
  const { config, file } = loaded
  return await examineInstallation({ config, file, clock: systemClock, signal }, deps)
}
