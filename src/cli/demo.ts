import { messageOf } from '../base/errors.ts'
import { runDemo } from '../devnet/demo.ts'
import { resultJson, resultTable } from '../devnet/demo-report.ts'
import type { DemoOptions } from './demo.options.ts'
import { createDemoView } from './demo-view.ts'
import { untilSignal } from './until-signal.ts'

/** Where a finished demo puts the evidence. */
const TARGET = 'fisherman-demo'

export async function demoCommand(options: DemoOptions): Promise<number> {
  const { seconds, segments, video, keep = false, json = false } = options
  const signal = untilSignal()
  // A reader that went away must not keep us from cleaning up.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const view = createDemoView(process.stderr)
  try {
    const result = await runDemo({ seconds, segments, video, keep, target: TARGET }, { view, signal })
    view.end()
    if (json) process.stdout.write(`${JSON.stringify(resultJson(result))}\n`)
    else {
      process.stdout.write(`\n${resultTable(result.standings)}\n`)
      process.stdout.write(`${result.bundles.length} evidence bundles are in ./${TARGET}/\n`)
      process.stdout.write(
        `${result.ok ? 'Every node got what it deserves' : 'The demo did not end well'} after ${result.seconds} s.\n`,
      )
    }
    for (const sentence of result.unmet) process.stderr.write(`${sentence}\n`)
    if (result.folder) process.stderr.write(`Logs and data are kept in ${result.folder}\n`)
    return result.ok ? 0 : 1
  } catch (error) {
    view.end()
    if (signal.aborted) {
      process.stderr.write('The demo was stopped; all of its processes have ended.\n')
      return 130
    }
    process.stderr.write(`fisherman demo: ${messageOf(error)}\n`)
    return 2
  }
}
