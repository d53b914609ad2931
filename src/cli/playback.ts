import { FishermanError } from '../base/errors.ts'
import { outcomeName, reasonLine } from '../judge.ts'
import type { SeenSegment } from '../seen/playback.ts'
import { playbackAt } from '../seen/playback-at.ts'
import { complain, usage } from './complain.ts'
import { toJson } from './json.ts'
import type { PlaybackOptions } from './playback.options.ts'
import { stepLine } from './step-line.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman playback`: 0 all pass, 1 something failed, 2 our own error, 3 doubts only. */
export async function playbackCommand(url: string, options: PlaybackOptions): Promise<number> {
  const signal = untilSignal()
  try {
    if (!/^https?:\/\/\S+$/.test(url)) throw usage(`'${url}' is no address of a playlist: http://… or https://…`)
    if (!/^[1-9]\d{0,3}$/.test(options.segments)) throw usage(`--segments '${options.segments}': must be a number from 1 to 9999`)
    const line = stepLine(options)
    const found = await playbackAt(
      {
        ...{ url, segments: Number(options.segments), allowPrivate: options.allowPrivate ?? false },
        ...(options.sheet === undefined ? {} : { sheets: options.sheet }),
      },
      {
        onStep: line.show,
        onSegment(segment) {
          line.clear()
          if (!options.json) for (const text of segmentLines(segment)) console.log(text)
        },
      },
      signal,
    ).finally(line.clear)
    console.log(options.json ? toJson({ url, segments: found }) : summaryLine(found))
    return exitCodeOf(found)
  } catch (error) {
    if (signal.aborted) return 130
    complain('playback', advised(error))
    return 2
  }
}

/** Who tries it at home meets this rule first. */
function advised(error: unknown): unknown {
  if (!(error instanceof FishermanError) || error.code !== 'livepeer-address') return error
  return new FishermanError({
    ...error,
    message: `${error.message}; for a network of your own add --allow-private`,
    cause: error,
  })
}

export function exitCodeOf(found: readonly SeenSegment[]): number {
  const verdicts = found.flatMap((segment) => segment.verdicts)
  if (verdicts.some(({ outcome }) => outcome === 'fail')) return 1
  const isClear = found.every(({ missing }) => missing === undefined) && verdicts.every(({ outcome }) => outcome === 'pass')
  return verdicts.length > 0 && isClear ? 0 : 3
}

export function segmentLines({ seq, verdicts, unmatched, missing }: SeenSegment): string[] {
  return [
    ...verdicts.flatMap(({ name, outcome, faultClass, width, height, reasons, doubt }) => [
      `segment ${seq}  ${outcomeName(outcome, faultClass)}  ${name} (${width}x${height})`,
      ...reasons.map((reason) => `    - ${reasonLine(reason)}`),
      ...(doubt ? [`    - ${doubt}`] : []),
    ]),
    ...(missing ? [`segment ${seq}  not to be had: ${missing}`] : []),
    ...(unmatched.length > 0 ? [`segment ${seq}  no matching entry in ${unmatched.join(', ')}`] : []),
  ]
}

export function summaryLine(found: readonly SeenSegment[]): string {
  const verdicts = found.flatMap((segment) => segment.verdicts)
  const counts = (['pass', 'fail', 'inconclusive'] as const).map(
    (outcome) => `${verdicts.filter((one) => one.outcome === outcome).length} ${outcome}`,
  )
  const standIn = found.some(({ sourceIs }) => sourceIs === 'highest')
  return (
    `${found.length} segments, ${verdicts.length} renditions: ${counts.join(', ')}` +
    (standIn ? '; no variant is called source, so the highest one stands for it, and a fail may be its own fault' : '')
  )
}
