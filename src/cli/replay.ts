import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programPath } from '../config/paths.ts'
import { type Replay, replayBundle } from '../replay.ts'
import { complain, usage } from './complain.ts'
import type { ReplayOptions } from './replay.options.ts'

export function reportOf(replay: Replay): string {
  const width = Math.max(...replay.checks.map(({ name }) => name.length))
  return [
    `evidence ${replay.evidenceHash}`,
    `against ${replay.accused}`,
    ...replay.checks.map(({ name, holds, detail }) => `  ${holds ? 'ok' : 'NO'}  ${name.padEnd(width)}  ${detail}`),
    `${replay.reproduced ? 'reproduced' : 'NOT reproduced'} in ${(replay.elapsedMs / 1000).toFixed(1)} s`,
  ].join('\n')
}

/** Runs `fisherman replay` and returns its exit code: 0 reproduced, 1 not, 2 for a broken file and our own errors. */
export async function replayCommand(bundle: string, options: ReplayOptions): Promise<number> {
  const abort = new AbortController()
  const onSignal = (): void => abort.abort(usage('interrupted'))
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  try {
    const init = { scratchDir: join(tmpdir(), 'fisherman-replay'), searchPath: programPath() }
    const replay = await replayBundle(bundle, init, { nowMs: () => performance.now() }, { signal: abort.signal })
    console.log(options.json ? JSON.stringify(replay) : reportOf(replay))
    return replay.reproduced ? 0 : 1
  } catch (error) {
    complain('replay', error)
    return 2
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}
