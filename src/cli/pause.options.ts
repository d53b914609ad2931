import type { Command } from 'commander'
import type { NetOptions } from './net.options.ts'

export interface PauseCommands {
  pause(options: NetOptions): Promise<void>
  resume(options: NetOptions): Promise<void>
}

export function declarePause(program: Command, run: PauseCommands): void {
  const where = (command: Command): Command =>
    command.option('--config <file>', 'configuration of the fisherman').option('--data-dir <folder>', 'or just its data folder')
  where(program.command('pause').description('check nothing new for a while; open answers, cases and gossip go on'))
    .addHelpText(
      'after',
      `
Takes effect at once and outlives restarts. Other members take over what this one would have checked. It works by a file called PAUSE in
the data folder; one called STOP there stops all sending to the chain instead. Where no fisherman answers in that folder, it says so: a daemon that
was started with another folder (FISHERMAN_DATA_DIR goes before dataDir of the file) is not paused.`,
    )
    .action((options: NetOptions) => run.pause(options))
  where(program.command('resume').description('end a pause')).action((options: NetOptions) => run.resume(options))
}
