import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'
import { writeWholeFile } from '../base/whole-file.ts'
import type { Burst, Probed, ScoreBook, Trip } from './score-book.ts'

/** What probes found, kept over restarts: scores are made of the last weeks. */
export interface ProbeFindings {
  add(finding: Finding): Promise<void>
}

export type Finding =
  | { kind: 'trip'; trip: Trip }
  | { kind: 'probe'; found: Probed }
  | { kind: 'burst'; burst: Burst }
  | { kind: 'unreceipted'; transcoder: Hex; atSec: number }

/** Lines kept; 100 nodes with five streams a day of four segments and two rungs fill it in three weeks. */
const KEPT = 100_000

const node = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/)
  .transform((text) => text as Hex)
const seconds = z.number().min(0)
const line = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('trip'),
    trip: z.object({
      ...{ transcoder: node, atSec: seconds, segmentSec: seconds, roundTripSec: seconds, uploadSec: seconds },
      ...{ downloadSec: seconds, transcodeSec: seconds, sent: z.number(), received: z.number() },
      errors: z.array(z.object({ code: z.string(), count: z.number() })),
    }),
  }),
  z.object({
    kind: z.literal('probe'),
    found: z.object({
      ...{ transcoder: node, atSec: seconds, outcome: z.enum(['pass', 'fail', 'inconclusive', 'withheld']) },
      ...{ quality: z.number().optional(), why: z.string().nullable() },
    }),
  }),
  z.object({
    kind: z.literal('burst'),
    burst: z.object({ transcoder: node, atSec: seconds, asked: seconds, inTime: seconds, pixelsPerSec: seconds }),
  }),
  z.object({ kind: z.literal('unreceipted'), transcoder: node, atSec: seconds }),
])

/** Reads what earlier runs found into the score book, and writes what comes. A line that cannot be read is one that a crash cut off. */
export async function openProbeFindings(
  file: string,
  book: Pick<ScoreBook, 'trip' | 'burst' | 'probe' | 'unreceipted'>,
): Promise<ProbeFindings> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const tell = (finding: Finding): void => {
    if (finding.kind === 'trip') book.trip(finding.trip)
    else if (finding.kind === 'burst') book.burst(finding.burst)
    else if (finding.kind === 'probe') book.probe(finding.found)
    else book.unreceipted(finding.transcoder, finding.atSec)
  }
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean)
  const good = lines.slice(-KEPT).flatMap((text) => {
    try {
      const read = line.safeParse(JSON.parse(text))
      return read.success ? [read.data as Finding] : []
    } catch {
      return []
    }
  })
  if (good.length < lines.length) await writeWholeFile(file, good.map((one) => `${JSON.stringify(one)}\n`).join(''))
  for (const finding of good) tell(finding)
  let turn: Promise<unknown> = Promise.resolve()
  return {
    add(finding) {
      // On disk first: what a score shows must be there after a restart.
      const mine = turn.then(async () => {
        await appendFile(file, `${JSON.stringify(finding)}\n`, { mode: 0o600, flush: true } as Parameters<typeof appendFile>[2])
        tell(finding)
      })
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}
