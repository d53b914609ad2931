import { mkdirSync, rmSync } from 'node:fs'
import { QUICKNET, randomnessOf, roundAt, timeOfRound, verifyRound } from '../attest/drand.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { programPath } from '../config/paths.ts'
import type { Config } from '../config/schema.ts'
import { createDrand, type Drand } from '../fetch/drand.ts'
import { openHardware } from '../judge/hardware.ts'
import { createJudge, type Judge } from '../judge.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Bench } from '../pipeline/bench.ts'
import type { Hardware } from '../transcode/hardware/hardware.ts'
import type { Frame } from './frame.ts'

/** What looks at pictures, and its graphics cards where there are some. */
export interface Tools {
  readonly judge: Judge
  readonly hardware: Hardware | undefined
  /** Named in bundles. */
  readonly program: Bench['program']
}

/** Empties the scratch folder, tries the hardware, and makes the judge. */
export async function openTools({ config, logger, signal, version, at }: Frame): Promise<Tools> {
  const scratchDir = at('scratch')
  rmSync(scratchDir, { recursive: true, force: true })
  mkdirSync(scratchDir, { recursive: true, mode: 0o700 })
  const searchPath = programPath()
  const { nice, gpuJobs, ffmpegJobs } = config
  const hardware =
    config.hardware === 'auto'
      ? await openHardware({ scratchDir, cacheFile: at('hardware.json'), searchPath, maxJobs: gpuJobs, nice }, logger, signal)
      : undefined
  const judge = createJudge({ scratchDir, maxJobs: ffmpegJobs, nice, searchPath, hardware })
  const program: Bench['program'] = {
    ...{ name: 'fisherman', version },
    decoder: await judge.decoder().catch(() => 'none'),
    platform: `${process.platform} ${process.arch}, node ${process.version}`,
  }
  return { judge, hardware, program }
}

/** Public randomness, checked before it is believed. */
export function openDrand(config: Pick<Config, 'beacon'>, deps: { clock: Clock; log: Logger; metrics: Metrics }): Drand {
  const { clock, log, metrics } = deps
  return createDrand(
    { urls: config.beacon.urls, chainHash: QUICKNET.chainHash },
    {
      ...{ clock, log, roundAt, timeOfRound, verify: verifyRound, randomness: randomnessOf },
      onBad: (reason) => metrics.badFeed(`drand-${reason}`),
    },
  )
}
