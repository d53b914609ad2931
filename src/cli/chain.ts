import { systemClock } from '../base/clock.ts'
import { SILENT } from '../base/log.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { readTable } from '../monitor/orchestrators.ts'
import { readStatus } from '../monitor/status.ts'
import type { ChainOptions, ChainTableOptions } from './chain.options.ts'
import { progressBar, statusLines, tableLines } from './chain-view.ts'
import { complain, usage } from './complain.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman chain status`. */
export async function chainStatusCommand(options: ChainOptions): Promise<number> {
  return await withConfig('status', options, async (config, signal) => {
    const status = await readStatus(config, { clock: systemClock, log: SILENT }, signal)
    if (options.json) console.log(toJson(status))
    else for (const line of statusLines(status)) console.log(line)
    for (const line of [...status.wrong, ...status.attention]) console.error(`fisherman chain status: ${line}`)
    if (status.wrong.length > 0) return 2
    return status.attention.length > 0 ? 1 : 0
  })
}

/** `fisherman chain orchestrators`. */
export async function chainOrchestratorsCommand(options: ChainTableOptions): Promise<number> {
  return await withConfig('orchestrators', options, async (config, signal) => {
    if (!/^[1-9][0-9]{0,3}$/.test(options.rounds)) throw usage(`--rounds '${options.rounds}': must be a number from 1 to 9999`)
    const bar = process.stderr.isTTY ? progressBar(process.stderr) : undefined
    const deps = { clock: systemClock, log: SILENT, ...(bar ? { onProgress: bar.show } : {}) }
    const table = await readTable(config, { rounds: Number(options.rounds) }, deps, signal).finally(() => bar?.clear())
    if (options.json) console.log(toJson(table))
    else for (const line of tableLines(table)) console.log(line)
    return 0
  })
}

async function withConfig(
  name: string,
  options: ChainOptions,
  work: (config: Config, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const signal = untilSignal()
  try {
    return await work(loadConfig(options.config, { dataDir: options.dataDir, rpc: options.rpc }), signal)
  } catch (error) {
    if (signal.aborted) return 130
    complain(`chain ${name}`, error)
    return 2
  }
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? part.toString() : part))
}
