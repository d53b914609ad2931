import { readDraws } from '../monitor/net/ask.ts'
import { toJson } from './json.ts'
import type { NetOptions } from './net.options.ts'
import { within } from './net.ts'
import { drawLines } from './sample-view.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman sample explain`: 0 told, 2 nobody answers or the receipt is not known. */
export async function sampleExplainCommand(
  digest: string,
  options: NetOptions,
  signal: AbortSignal = untilSignal(),
): Promise<number> {
  return await within('sample explain', options, signal, async (dataDir) => {
    const told = await readDraws(dataDir, digest, { signal })
    if (options.json) console.log(toJson(told))
    else for (const line of drawLines(told)) console.log(line)
    return 0
  })
}
