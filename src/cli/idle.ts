import { readIdle } from '../operator/idle.ts'
import { verifyIdle } from '../operator/idle-verify.ts'
import { progressBar } from './chain-view.ts'
import { complain, usage } from './complain.ts'
import type { IdleOptions, IdleVerifyOptions } from './idle.options.ts'
import { idleLines } from './idle-view.ts'
import { toJson } from './json.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman idle`: 0 done, 2 it could not be read. */
export async function idleCommand(options: IdleOptions): Promise<number> {
  const signal = untilSignal()
  try {
    if (!/^[1-9]\d{0,3}$/.test(options.rounds)) throw usage(`--rounds '${options.rounds}': must be a number from 1 to 9999`)
    const bar = process.stderr.isTTY && !options.json ? progressBar(process.stderr) : undefined
    const request = { ...options, rounds: Number(options.rounds) }
    const report = await readIdle(request, bar ? { onProgress: bar.show } : {}, signal).finally(() => bar?.clear())
    if (options.json) console.log(toJson(report))
    else for (const line of idleLines(report, options.all ?? false)) console.log(line)
    return 0
  } catch (error) {
    if (signal.aborted) return 130
    complain('idle', error)
    return 2
  }
}

/** `fisherman idle verify`: 0 it is what it says, 1 something differs, 2 it could not be read. */
export async function idleVerifyCommand(place: string, options: IdleVerifyOptions): Promise<number> {
  const signal = untilSignal()
  try {
    const { problems, publisher, span, results } = await verifyIdle(place, signal)
    if (options.json) console.log(toJson({ ok: problems.length === 0, problems, publisher, span, results }))
    else if (problems.length > 0) for (const problem of problems) console.log(`WRONG  ${problem}`)
    else {
      console.log(`ok: ${results.length} orchestrators of round ${span?.round}, every number follows from its events`)
      console.log(publisher === null ? 'nobody signed it' : `signed by ${publisher}`)
      console.log(
        'Whether the events are those of the chain says the chain alone: compare the hashes of its blocks, or read it yourself.',
      )
    }
    return problems.length === 0 ? 0 : 1
  } catch (error) {
    if (signal.aborted) return 130
    complain('idle verify', error)
    return 2
  }
}
