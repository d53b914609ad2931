import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { FishermanError } from '../base/errors.ts'
import { createGateway } from './gateway.ts'
import { DEFAULT_LADDER } from './ladder.ts'
import { announce, openNode } from './node.ts'
import { cutSegments } from './segments.ts'
import { type GatewaySettings, readGatewaySettings } from './settings.ts'

/** `fisherman devnet gateway`: sends its segments and ends, or begins again where it is told to. True when every one was answered with a receipt. */
export async function runGateway(init: { config: string; segments?: number | undefined }, signal: AbortSignal): Promise<boolean> {
  const settings = await readGatewaySettings(init.config)
  const { signer, log, chain } = await openNode(settings, signal)
  try {
    const files = await segmentFiles(settings, init.segments, signal)
    await announce(settings.dataDir, { address: signer.address })
    const gateway = createGateway(
      {
        domain: chain.domain,
        orchestrators: settings.orchestrators,
        profiles: DEFAULT_LADDER,
        everyMs: settings.everyMs,
        patienceMs: 60_000,
      },
      { signer, clock: systemClock, log, nowSec: chain.nowSec },
    )
    for (;;) {
      const { answered, failed } = await gateway.run(
        files.map((file) => () => readFile(file)),
        signal,
      )
      log.info('all segments are sent', { answered, failed })
      if (!settings.repeat) return failed === 0
    }
  } finally {
    await chain.close()
  }
}

async function segmentFiles(settings: GatewaySettings, wanted: number | undefined, signal: AbortSignal): Promise<string[]> {
  const { segments, video, dataDir } = settings
  if (segments) return segments.slice(0, wanted ?? segments.length)
  if (!video)
    throw new FishermanError({
      code: 'bad-config',
      message: 'the gateway needs segments or a video in its configuration',
      blame: 'ours',
    })
  return (await cutSegments({ video, folder: join(dataDir, 'segments'), count: wanted ?? DEFAULT_SEGMENTS, signal })).files
}

const DEFAULT_SEGMENTS = 6
