import { ask } from './tool.ts'

/** What an ffmpeg was built with, as it says itself. */
export interface Build {
  /** First line of `-version`; empty where it does not run. */
  version: string
  accels: ReadonlySet<string>
  encoders: ReadonlySet<string>
  decoders: ReadonlySet<string>
  filters: ReadonlySet<string>
}

/** Second word of each line that begins with flags. */
function names(listing: string | undefined): Set<string> {
  return new Set((listing ?? '').split('\n').flatMap((line) => /^ [A-Z.|]{2,8} +(\w+) /.exec(line)?.[1] ?? []))
}

/** First line of `-version`; empty where it does not run. */
export async function versionOf(ffmpeg: string): Promise<string> {
  return (await ask(ffmpeg, ['-version']))?.split('\n')[0]?.trim() ?? ''
}

/** Asks an ffmpeg what it has: cheap, and enough to say at once what a build cannot do. */
export async function readBuild(ffmpeg: string): Promise<Build> {
  const list = async (what: string): Promise<string | undefined> => await ask(ffmpeg, ['-hide_banner', what])
  const [version, accels, encoders, decoders, filters] = await Promise.all([
    versionOf(ffmpeg),
    list('-hwaccels'),
    list('-encoders'),
    list('-decoders'),
    list('-filters'),
  ])
  return {
    version,
    accels: new Set(
      (accels ?? '')
        .split('\n')
        .slice(1)
        .map((line) => line.trim())
        .filter(Boolean),
    ),
    encoders: names(encoders),
    decoders: names(decoders),
    filters: names(filters),
  }
}
