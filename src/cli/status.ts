import { readSelf, type SelfReport, urlOf } from '../monitor/net/ask.ts'
import { lpt } from './amounts.ts'
import { toJson } from './json.ts'
import { within } from './net.ts'
import type { StatusOptions } from './status.options.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman status`: 0 it runs and is ready, 1 it runs and says why it is not ready, 2 nobody answers. */
export async function statusCommand(options: StatusOptions, signal: AbortSignal = untilSignal()): Promise<number> {
  return await within('status', options, signal, async (dataDir) => {
    if (options.url) {
      console.log(`${await urlOf(dataDir)}/`)
      return 0
    }
    const report = await readSelf(dataDir, { signal })
    if (options.json) console.log(toJson(report))
    else for (const line of selfLines(report)) console.log(line)
    return report.notReady === null ? 0 : 1
  })
}

export function selfLines(report: SelfReport): string[] {
  const { url, notReady, isPaused, mode, address, signing, peers, checked, waiting, orchestrators, bundles, money, log } = report
  const nodes = Object.values(orchestrators)
  const sum = (name: 'fail' | 'withheld' | 'inconclusive') => nodes.reduce((total, node) => total + node[name], 0)
  const rows: [string, string][] = [
    ['page', url],
    ['ready', notReady === null ? `yes${isPaused ? ', and paused: fisherman resume ends that' : ''}` : `NO: ${notReady}`],
    ['mode', `${mode}${address === null ? '' : `, ${address}`}`],
    ['signing', signing.reason === null ? signing.state : `${signing.state}: ${signing.reason}`],
    ['peers', String(peers)],
    [
      'checked',
      `${checked} by the whole log: ${sum('fail')} failed, ${sum('withheld')} withheld, ${sum('inconclusive')} inconclusive; ${waiting} wait`,
    ],
    ['evidence', `${bundles} bundles`],
    ['money', `${lpt(money.takenWei)} taken from nodes, ${money.gasUsed} gas used`],
    ['log', `${log.size} entries`],
  ]
  return rows.map(([name, text]) => `${name.padEnd(9)} ${text}`)
}
