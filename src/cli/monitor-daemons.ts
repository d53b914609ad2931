import { messageOf } from '../base/errors.ts'
import { readOwnersFile } from '../base/private-file.ts'
import { type DaemonTarget, isToken, targetOf } from '../monitor/alerts/target.ts'
import { usage } from './complain.ts'
import type { MonitorFlags } from './monitor.options.ts'

/** Daemons of the flags, each with what lets us ask it. Throws `bad-usage`, never with what may be a secret. */
export function daemonsOf({ daemon = [], tokenFile = [] }: Pick<MonitorFlags, 'daemon' | 'tokenFile'>): DaemonTarget[] {
  if (tokenFile.length > 1 && tokenFile.length !== daemon.length)
    throw usage('--token-file: name one for all daemons, or one for each in the order of --daemon')
  const tokens = tokenFile.map(tokenIn)
  return daemon.map((address, i) => {
    // What cannot be understood may have a password anywhere.
    const shown = address.includes('@') ? '--daemon' : `--daemon '${address}'`
    if (!isUrl(address)) throw usage(`${shown}: must be an http or https URL`)
    if (/[?#]/.test(address)) throw usage('--daemon: must be the base of the daemon, without ? and #')
    return targetOf(address, tokens.length > 1 ? tokens[i] : tokens[0])
  })
}

export function isUrl(text: string): boolean {
  return /^https?:\/\/[^\s]+$/.test(text) && URL.canParse(text)
}

function tokenIn(file: string): string {
  try {
    const token = readOwnersFile(file).trim()
    if (!isToken(token)) throw new Error('it must hold one token, up to 512 printable characters without spaces')
    return token
  } catch (error) {
    throw usage(`--token-file ${file}: ${messageOf(error)}`)
  }
}
