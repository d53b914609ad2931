import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { hardwareReport } from '../transcode/hardware/cache.ts'
import { trustedIn } from '../transcode/hardware/choose.ts'
import { createHardware, type Hardware } from '../transcode/hardware/hardware.ts'

/**
 * Tries the devices of this machine, or reads what the last trial found. A machine without any, or whose trial fails, works in
 * software: undefined.
 */
export async function openHardware(
  init: { scratchDir: string; cacheFile: string; searchPath: string; maxJobs: number; nice: number },
  logger: Logger,
  signal?: AbortSignal,
): Promise<Hardware | undefined> {
  try {
    const { scratchDir, cacheFile, searchPath, maxJobs, nice } = init
    const { report } = await hardwareReport({ scratchDir, cacheFile, searchPath, ffmpegPath: 'ffmpeg' }, {}, signal)
    const trusted = report.backends.filter(({ decode, encode }) => trustedIn(decode) + trustedIn(encode) > 0)
    if (trusted.length === 0) return undefined
    logger.info('Hardware helps with everyday checks', { backends: trusted.map(({ name }) => name).join(' ') })
    return createHardware(
      { report, ffmpegPath: report.ffmpeg.path, searchPath, maxJobs, nice },
      { onFailure: (failure) => logger.warn('A device failed and software did its job', { ...failure }) },
    )
  } catch (error) {
    signal?.throwIfAborted()
    logger.warn('Hardware could not be tried: everything is done in software', { reason: messageOf(error) })
    return undefined
  }
}
