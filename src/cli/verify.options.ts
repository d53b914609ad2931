import type { Command } from 'commander'

/** What `fisherman verify` is asked for; values are checked by the command itself, not here. */
export interface VerifyOptions {
  source: string
  rendition: string[]
  profile: string[]
  depth: string
  json?: boolean
  sheet?: string
}

const collect = (value: string, before: string[]): string[] => [...before, value]

/** Declares the command without loading any of its machinery, so that `--help` stays quick. */
export function declareVerify(program: Command, run: (options: VerifyOptions) => Promise<void>): void {
  program
    .command('verify')
    .description('compare a source segment with what a node says it transcoded from it')
    .requiredOption('--source <file>', 'the source segment (MPEG-TS, MP4 or FLV)')
    .requiredOption('--rendition <file>', 'a claimed rendition; repeat for more of the same source', collect, [])
    .option(
      '--profile <fields>',
      "what was ordered, one for each rendition in the same order, as 'name=360p0,width=640,height=360,bitrate=800000,fps=0'; without it the claim is what the rendition's container says",
      collect,
      [],
    )
    .option('--depth <depth>', 'screen (first pictures only), check, or prove (with own re-transcodes)', 'check')
    .option('--json', 'print the verdict as one JSON object')
    .option('--sheet <png>', 'write a contact sheet of the worst frames')
    .addHelpText(
      'after',
      `
Fields of a profile: name, width, height, bitrate (bit/s), fps or fpsNum, fpsDen, codec (h264, h265, vp8, vp9),
h264Profile (baseline, main, high, constrainedhigh), gopMs (-1 = every frame a key frame), container (mpegts, mp4),
quality (CRF 1..63). Width, height and bitrate are required.

Exit code: 0 pass, 1 fail, 3 inconclusive, 2 wrong usage or our own error.`,
    )
    .action(run)
}
