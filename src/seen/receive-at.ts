import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { hostPortOf } from '../base/host-port.ts'
import { startHttp } from '../base/http.ts'
import type { Logger } from '../base/log.ts'
import { createQueue } from '../base/queue.ts'
import { programPath } from '../config/paths.ts'
import { createJudge } from '../judge.ts'
import { createSeenBook, type SeenEntry } from './book.ts'
import { readDonors } from './donors.ts'
import { createReceiver } from './receive.ts'

export interface ReceiveRequest {
  /** host:port */
  listen: string
  tokenFile: string
  quotaBytes: number
  nice: number
}

/** Donations that wait for the judge: at 2 s of work each, what comes now is judged within a minute. */
const WAITING = 16

/** Takes donated segments until the signal fires. Media lies in a folder of its own, which is gone afterwards. */
export async function receiveAt(
  request: ReceiveRequest,
  deps: { log: Logger; onSeen?(entry: SeenEntry): void },
  signal: AbortSignal,
): Promise<void> {
  const { log } = deps
  const place = hostPortOf('--listen', request.listen)
  const donors = readDonors(request.tokenFile)
  const scratchDir = await mkdtemp(join(tmpdir(), 'fisherman-receive-'))
  const queue = createQueue({
    ...{ concurrency: 1, limit: WAITING },
    onError: (error) => log.error('Check failed', { reason: messageOf(error) }),
  })
  try {
    const judge = createJudge({
      scratchDir: join(scratchDir, 'judge'),
      searchPath: programPath(),
      maxJobs: 1,
      nice: request.nice,
    })
    const routes = await createReceiver(
      { folder: join(scratchDir, 'media'), quotaBytes: request.quotaBytes },
      {
        ...{ clock: systemClock, log, donors, book: createSeenBook(), queue, judge },
        onSeen: (entry) => deps.onSeen?.(entry),
        onRefused: (code) => log.debug('A donation was refused', { code }),
      },
    )
    const http = await startHttp({ ...place, routes })
    log.info('Donations are taken', { url: `${http.url}/donations/v1/segments`, donors: donors.names() })
    try {
      if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    } finally {
      await http.stop()
    }
  } finally {
    await queue.stop()
    await rm(scratchDir, { recursive: true, force: true })
  }
}
