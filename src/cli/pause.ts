import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../base/errors.ts'
import { PLACES } from '../config/paths.ts'
import { readNetwork } from '../monitor/net/ask.ts'
import { usage } from './complain.ts'
import type { NetOptions } from './net.options.ts'
import { within } from './net.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman pause`: 0 it is paused now, 2 there is no such data folder, or it cannot be written. */
export async function pauseCommand(options: NetOptions, signal: AbortSignal = untilSignal()): Promise<number> {
  return await within('pause', options, signal, async (dataDir) => {
    const file = fileIn(dataDir)
    const was = existsSync(file)
    if (!was) writeFileSync(file, 'fisherman resume ends this pause\n', { mode: 0o600 })
    console.log(
      was ? 'It is paused already; fisherman resume ends that.' : 'Paused: nothing new is checked until fisherman resume.',
    )
    await doubt('pause', 'lies there for the next one that starts', dataDir, signal)
    return 0
  })
}

/** `fisherman resume`: 0 it checks again, 2 as above. */
export async function resumeCommand(options: NetOptions, signal: AbortSignal = untilSignal()): Promise<number> {
  return await within('resume', options, signal, async (dataDir) => {
    const file = fileIn(dataDir)
    const was = existsSync(file)
    rmSync(file, { force: true })
    console.log(was ? 'It checks again.' : 'It was not paused.')
    await doubt('resume', 'lies there no longer', dataDir, signal)
    return 0
  })
}

/** Says where nobody works in this folder: a daemon that was started with another one goes on as before. */
async function doubt(name: string, mark: string, dataDir: string, signal: AbortSignal): Promise<void> {
  await readNetwork(dataDir, { signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    const asks = 'is another folder meant? See --config and --data-dir'
    console.error(`fisherman ${name}: ${messageOf(error)}. The file ${PLACES.pause} ${mark}; ${asks}`)
  })
}

function fileIn(dataDir: string): string {
  if (!statSync(dataDir, { throwIfNoEntry: false })?.isDirectory())
    throw usage(`there is no data folder ${dataDir}; check --data-dir, or dataDir of the configuration`)
  return join(dataDir, PLACES.pause)
}
