import { isFishermanError, messageOf } from '../../base/errors.ts'

/** Lines that only say that something before them went wrong. */
const ECHO =
  /^(?:Device (?:creation|setup) failed|No device available|Failed to set value|Error parsing|Error initializing|Error while|Error opening|Conversion failed|Error reinitializing|Failed to inject|Nothing was written|Could not open encoder|Terminating thread|Task finished|Failed setup for format)/i
const LONGEST = 200

/** The one line of ffmpeg's log that says why it failed. */
export function whyOf(lines: readonly string[]): string {
  const errors = lines.flatMap(
    (line) => /^(?:\[[^\]]* @ 0x[0-9a-f]+\] )?\[(?:error|fatal|panic)\] (.+)$/i.exec(line)?.[1]?.trim() ?? [],
  )
  const told = errors.find((text) => !ECHO.test(text)) ?? errors[0]
  return (told ?? 'ffmpeg gave no reason').slice(0, LONGEST)
}

/** The same for a run that ended without a log: a hang, a crash, a program that does not start. */
export function whyThrown(error: unknown): string {
  const code = isFishermanError(error) ? error.code : ''
  if (code === 'hardware-hangs' || code === 'media-time-limit') return `hangs: ${messageOf(error)}`
  if (code === 'media-killed') return 'crashes: ffmpeg was killed by a signal'
  return (messageOf(error).split('\n')[0] ?? '').slice(0, LONGEST)
}
