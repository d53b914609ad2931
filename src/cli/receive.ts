import { createLogger } from '../observe/logger.ts'
import { receiveAt } from '../seen/receive-at.ts'
import { complain, usage } from './complain.ts'
import { toJson } from './json.ts'
import type { ReceiveOptions } from './receive.options.ts'
import { untilSignal } from './until-signal.ts'

const MIB = 1024 ** 2

/** `fisherman receive`: 0 when it was stopped, 2 when it could not start. */
export async function receiveCommand({ listen, tokenFile, quota, nice }: ReceiveOptions): Promise<number> {
  const signal = untilSignal()
  try {
    if (!/^[1-9]\d{0,6}$/.test(quota)) throw usage(`--quota '${quota}': must be MiB, from 1 to 9999999`)
    if (!/^1?\d$/.test(nice)) throw usage(`--nice '${nice}': must be a number from 0 to 19`)
    const log = createLogger({ level: 'info', format: process.stderr.isTTY ? 'human' : 'json' })
    const request = { listen, tokenFile, quotaBytes: Number(quota) * MIB, nice: Number(nice) }
    await receiveAt(request, { log, onSeen: (entry) => console.log(toJson(entry)) }, signal)
    return 0
  } catch (error) {
    complain('receive', error)
    return 2
  }
}
