import type { Command } from 'commander'
import { type PlaceOptions, withPlaceOptions } from './place.options.ts'

export interface SelfCheckOptions extends PlaceOptions {
  transcoder?: string
  network?: string
  receipts: string
  json?: boolean
}

export function declareSelfCheck(program: Command, run: (url: string, options: SelfCheckOptions) => Promise<void>): void {
  withPlaceOptions(
    program
      .command('selfcheck')
      .description('what would fishermen say of this node: reads its feed and judges some of its work, tells nobody')
      .argument('<feed>', 'address of the feed, without /fisherman/v1'),
  )
    .option('--transcoder <address>', 'the node; by default the one that the key belongs to')
    .option(
      '--network <name>',
      'whose windows hold, where no configuration says it: local, arbitrum-sepolia, arbitrum-one; else that of the chain',
    )
    .option('--receipts <n>', 'receipts whose pictures are looked at', '5')
    .addHelpText(
      'after',
      `
The key asks for bytes: the node's own, or a registered fisherman's. Without one only what is signed is looked at.
What goes wrong on this machine is no fault of the node: it is a doubt, or our own error, as with fishermen.
Exit code: 0 nothing to complain of, 1 fishermen would count it as failed or accuse it, 2 our own error, 3 doubts only, or nothing was looked at.`,
    )
    .action(run)
}
