import type { Command } from 'commander'
import type { NetOptions } from './net.options.ts'

export interface SampleCommands {
  explain(digest: string, options: NetOptions): Promise<void>
}

export function declareSample(program: Command, run: SampleCommands): void {
  const sample = program.command('sample').description('what a running fisherman is drawn to check')
  sample
    .command('explain <receipt>')
    .description('why the renditions of a receipt are looked at, and by whom, or not; by its digest')
    .option('--config <file>', 'configuration of the fisherman that runs')
    .option('--data-dir <folder>', 'or just its data folder')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Each number stands beside the line that it is compared with. "selected" comes from the beacon alone and is the same for everybody; the
ticket is this fisherman's own, and nobody else knows it until it answers. Draws are private: the daemon tells this on its own machine only.
Exit code: 0 told, 2 nobody answers, or the receipt is not known.`,
    )
    .action((digest: string, options: NetOptions) => run.explain(digest, options))
}
