import { systemClock } from '../base/clock.ts'
import { SILENT } from '../base/log.ts'
import { loadConfig } from '../config/load.ts'
import { readIdle } from '../monitor/idle.ts'
import { publishIdle, resultsOf, verifyIdle } from '../monitor/idle-files.ts'
import { progressBar } from './chain-view.ts'
import { complain, usage } from './complain.ts'
import type { IdleOptions, IdleVerifyOptions } from './idle.options.ts'
import { checkedLines, heaviestFirst, idleLines, totalsOf } from './idle-view.ts'
import { toJson } from './json.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman idle`: 0 done, 2 our own error. */
export async function idleCommand(options: IdleOptions): Promise<number> {
  return await within('idle', async (signal) => {
    if (!/^[1-9][0-9]{0,2}$/.test(options.rounds)) throw usage(`--rounds '${options.rounds}': must be a number from 1 to 999`)
    const config = loadConfig(options.config, { dataDir: options.dataDir, rpc: options.rpc })
    const bar = process.stderr.isTTY ? progressBar(process.stderr) : undefined
    const deps = { clock: systemClock, log: SILENT, ...(bar ? { onProgress: bar.show } : {}) }
    const look = await readIdle(config, { rounds: Number(options.rounds) }, deps, signal).finally(() => bar?.clear())
    const results = resultsOf(look.material)
    const published = options.out === undefined ? undefined : await publishIdle(look.material, options.out, config.key)
    if (options.json) {
      const { span, evidence } = look.material
      const noEvidence = look.noEvidence ?? null
      console.log(toJson({ span, evidence, noEvidence, totals: totalsOf(results), results: heaviestFirst(results) }))
    } else for (const line of idleLines(look, results)) console.log(line)
    if (published) {
      const by = published.publisher === null ? 'unsigned, since no key is configured' : `signed by ${published.publisher}`
      console.error(`fisherman idle: the dataset is in ${options.out}, ${by}; anybody checks it with: fisherman idle verify`)
    }
    return 0
  })
}

/** `fisherman idle verify`: 0 it is what it says, 1 something differs, 2 it cannot be read. */
export async function idleVerifyCommand(where: string, options: IdleVerifyOptions): Promise<number> {
  return await within('idle verify', async (signal) => {
    const checked = await verifyIdle(where, signal)
    if (options.json) console.log(toJson(checked))
    else for (const line of checkedLines(checked)) console.log(line)
    return checked.problems.length > 0 ? 1 : 0
  })
}

async function within(name: string, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const signal = untilSignal()
  try {
    return await work(signal)
  } catch (error) {
    if (signal.aborted) return 130
    complain(name, error)
    return 2
  }
}
