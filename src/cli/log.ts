import { ENTRY_KINDS, type Entry, type EntryKind, encodeEntry, entryHash, openArchive, type ProofLog } from '../archive.ts'
import { systemClock } from '../base/clock.ts'
import { isFishermanError } from '../base/errors.ts'
import { complain, usage } from './complain.ts'
import { dataDirOf, type FolderOptions } from './data-dir.ts'
import type { LogListOptions, LogOptions } from './log.options.ts'
import { sinceMs } from './since.ts'

export function numberOf(option: string, text: string): number {
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text)) throw usage(`${option} '${text}': must be a whole number`)
  return Number(text)
}

export function exitCodeOf(error: unknown): number {
  return isFishermanError(error) && error.code === 'log-damaged' ? 1 : 2
}

/** Opens the log of a data folder, runs the work, and turns errors into one line and exit code 2, damage into 1. */
export async function withLog(
  name: string,
  options: FolderOptions,
  work: (log: ProofLog, dataDir: string) => Promise<number>,
): Promise<number> {
  try {
    const dataDir = dataDirOf(options)
    const log = await openArchive(dataDir)
    try {
      return await work(log, dataDir)
    } finally {
      await log.close()
    }
  } catch (error) {
    complain(`log ${name}`, error)
    return exitCodeOf(error)
  }
}

export function fieldsOf({ payload }: Entry): Readonly<Record<string, unknown>> {
  return typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? (payload as Record<string, unknown>) : {}
}

/** Fields worth a place in a list, in this order. */
const LISTED = ['kind', 'outcome', 'state', 'action', 'faultClass', 'transcoder', 'sampleId', 'faultId', 'id'] as const

function lineOf(entry: Entry): string {
  const fields = fieldsOf(entry)
  const told = LISTED.flatMap((name) => {
    const value = fields[name]
    return value === undefined || value === null ? [] : [String(value).replace(/^(0x[0-9a-f]{10})[0-9a-f]{20,}$/, '$1…')]
  })
  return `${String(entry.seq).padStart(8)}  ${new Date(entry.at).toISOString()}  ${entry.kind.padEnd(18)}  ${told.join(' ')}`
}

/** `fisherman log ls`. */
export async function logListCommand(options: LogListOptions): Promise<number> {
  return await withLog('ls', options, async (log) => {
    const limit = numberOf('--limit', options.limit)
    const node = options.orchestrator?.toLowerCase()
    if (node !== undefined && !/^0x[0-9a-f]{40}$/.test(node))
      throw usage(`--orchestrator '${node}': must be 0x and 40 hex digits`)
    const faultId = options.case?.toLowerCase()
    if (faultId !== undefined && !/^0x[0-9a-f]{64}$/.test(faultId))
      throw usage(`--case '${faultId}': must be a fault id, 0x and 64 hex digits`)
    if (options.kind !== undefined && !(ENTRY_KINDS as readonly string[]).includes(options.kind))
      throw usage(`--kind '${options.kind}': must be one of ${ENTRY_KINDS.join(', ')}`)
    const found = await log.find({
      limit,
      ...(options.since === undefined ? {} : { sinceMs: sinceMs(options.since, systemClock.nowMs()) }),
      ...(options.kind === undefined ? {} : { kind: options.kind as EntryKind }),
      ...(options.outcome === undefined ? {} : { outcome: options.outcome }),
      ...(faultId === undefined ? {} : { faultId }),
      ...(node === undefined ? {} : { orchestrator: node }),
    })
    for (const entry of found) console.log(options.json ? encodeEntry(entry) : lineOf(entry))
    if (!options.json && found.length === 0) console.error(`nothing matches among ${log.head().size} entries`)
    return 0
  })
}

/** `fisherman log show`: the entry as it lies there; with `--json` the very bytes that are hashed. */
export async function logShowCommand(seq: string, options: LogOptions): Promise<number> {
  return await withLog('show', options, async (log) => {
    const entry = await log.read(numberOf('the number', seq))
    console.log(
      options.json ? encodeEntry(entry) : JSON.stringify({ ...entry, at: new Date(entry.at).toISOString() }, undefined, 2),
    )
    return 0
  })
}

/** `fisherman log prove`: everything that `verifyInclusion` of the specification takes. */
export async function logProveCommand(seq: string, options: LogOptions): Promise<number> {
  return await withLog('prove', options, async (log) => {
    const index = numberOf('the number', seq)
    const text = encodeEntry(await log.read(index))
    const { size, root } = log.head()
    const proof = { index, size, leaf: entryHash(text), path: await log.proveInclusion(index), root, entry: text }
    if (options.json) console.log(JSON.stringify(proof))
    else
      console.log(
        [
          `entry ${index} of ${size}`,
          `leaf  ${proof.leaf}  (SHA-256 of a zero byte and the entry, as \`log show --json\` prints it)`,
          ...proof.path.map((hash, i) => `path  ${hash}  (${i + 1} of ${proof.path.length})`),
          `root  ${root}`,
        ].join('\n'),
      )
    return 0
  })
}
