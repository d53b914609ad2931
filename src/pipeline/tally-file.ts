import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import { createLateFile } from '../base/late-file.ts'
import type { Logger } from '../base/log.ts'
import type { ProofLog } from '../prooflog/log.ts'
import type { TallyKeep, TallySums } from './tally.ts'

/** The sums of the tally in a file: a start goes on from them, and reads of the log what came after. */
export interface TallyFile extends TallyKeep {
  /** Writes what is not written yet. */
  close(): Promise<void>
}

/** Milliseconds between two writes: a crash forgets what others said of nodes since the last one. Our own verdicts are in the log. */
const WRITE_EVERY_MS = 30_000

const count = z.number().int().min(0)
const hash = z.string().regex(/^0x[0-9a-f]{64}$/)
const sums = z.record(
  z.string().regex(/^0x[0-9a-f]{40}$/),
  z.object({
    ...{ pass: count, fail: count, inconclusive: count, withheld: count, withheldAgreed: count },
    evidence: z
      .object({
        ...{ value: z.number().min(0), day: count },
        struckStreams: z.array(z.string()),
        strikesByRequester: z.array(z.tuple([z.string(), count])),
      })
      .optional(),
  }),
)
/** `size` entries with this root were in the log, and all their verdicts are in the sums. */
const content = z.object({ size: count, root: hash, nodes: sums })

/** What is kept counts for the log that it was made of, and for what was appended to that; never for another one. */
export async function openTallyFile(
  file: string,
  deps: { log: Logger; proofLog: Pick<ProofLog, 'head' | 'rootAt'> },
): Promise<TallyFile> {
  const { proofLog } = deps
  const loaded = await load(file, deps)
  let latest: () => TallySums | undefined = () => undefined
  const written = createLateFile(
    {
      ...{ file, everyMs: WRITE_EVERY_MS, trouble: 'What was counted could not be kept; the next start counts from the log' },
      text() {
        const nodes = latest()
        const { size, root } = proofLog.head()
        return nodes && JSON.stringify({ size, root, nodes })
      },
    },
    deps,
  )

  return {
    loaded,
    save(now) {
      latest = now
      written.changed()
    },
    close: written.close,
  }
}

async function load(file: string, deps: { log: Logger; proofLog: Pick<ProofLog, 'rootAt'> }): Promise<TallyKeep['loaded']> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const { size, root, nodes } = content.parse(JSON.parse(text))
    if ((await deps.proofLog.rootAt(size)) !== root) throw new Error('it was made of another proof log')
    return { size, sums: nodes as Record<Hex, TallySums[Hex]> }
  } catch (error) {
    deps.log.warn('What was counted before cannot be used, counting from the log', { file, reason: messageOf(error) })
    return undefined
  }
}
