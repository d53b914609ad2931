import type { Command } from 'commander'
import { wholeNumber } from './devnet.options.ts'

export interface DemoOptions {
  /** Seconds from start to the end at the latest. */
  seconds: number
  /** Segments for each orchestrator. */
  segments: number
  video?: string
  keep?: boolean
  json?: boolean
}

export function declareDemo(program: Command, run: (options: DemoOptions) => Promise<void>): void {
  program
    .command('demo')
    .description('watch four fishermen catch cheating orchestrators on a local chain')
    .option('--seconds <n>', 'end after this time at the latest', wholeNumber, 180)
    .option('--segments <n>', 'segments of 2 s for each orchestrator', wholeNumber, 5)
    .option('--video <file>', 'real footage instead of the rendered clip; scaled to at most 360p, looped when short')
    .option('--keep', 'keep every file that the demo made')
    .option('--json', 'print one JSON object instead of the table')
    .action((options: DemoOptions) => run(options))
}
