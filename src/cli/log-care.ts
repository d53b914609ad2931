import { once } from 'node:events'
import { type Entry, encodeEntry, evidenceOf, openArchive, repairArchive } from '../archive.ts'
import { systemClock } from '../base/clock.ts'
import { isFishermanError, messageOf } from '../base/errors.ts'
import { complain, usage } from './complain.ts'
import { dataDirOf } from './data-dir.ts'
import type { LogExportOptions, LogOptions, LogPruneOptions, LogVerifyOptions } from './log.options.ts'
import { exitCodeOf, fieldsOf, numberOf, withLog } from './log.ts'

/** Entries between two steps of the progress line. */
const PROGRESS_EVERY = 10_000
const DAY_MS = 86_400_000
/** Days after which peers refuse a statement: the statute of 14 rounds, about 11.5 days, and some room. */
const STATUTE_DAYS = 15

/** A line that counts up on a terminal's standard error; nothing where nobody looks. */
function progress(size: number, shown: boolean): { onEntry(seq: number): void; end(): void } {
  const live = shown && process.stderr.isTTY === true
  return {
    onEntry(seq) {
      if (live && seq % PROGRESS_EVERY === 0) process.stderr.write(`\r${seq} of ${size} (${Math.floor((seq * 100) / size)} %)`)
    },
    end: () => void (live && process.stderr.write('\r\x1b[K')),
  }
}

/** `fisherman log verify`: 0 when everything holds, 1 with the first bad number when it does not. */
export async function logVerifyCommand(options: LogVerifyOptions): Promise<number> {
  return await withLog('verify', options, async (log) => {
    const from = numberOf('--from', options.from)
    const { size, root } = log.head()
    if (from > size) throw usage(`--from ${from}: the log has ${size} entries`)
    const bar = progress(size, options.json !== true)
    const result = await log.verify(from, bar)
    bar.end()
    if (options.json) console.log(JSON.stringify({ ...result, root }))
    else if (result.ok) console.log(`ok: ${size - from} entries hold${from === 0 ? `, root ${root}` : ''}`)
    else console.log(`DAMAGED at entry ${result.firstBad}: ${result.reason}. Keep a copy of the folder before anything else`)
    return result.ok ? 0 : 1
  })
}

const COLUMNS = ['kind', 'outcome', 'transcoder', 'state', 'action', 'faultClass', 'faultId', 'sampleId', 'id'] as const

/** One cell of RFC 4180; a text that a spreadsheet would take for a formula is quoted as one. */
function cell(value: unknown): string {
  const text = value === undefined || value === null ? '' : String(value)
  const safe = /^[=+@\-\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

function csvOf(entry: Entry): string {
  const fields = fieldsOf(entry)
  // The kind of a statement is in its payload; the column of that name is the entry's own.
  const cells = COLUMNS.map((name) => cell(name === 'kind' ? entry.kind : fields[name]))
  return [entry.seq, new Date(entry.at).toISOString(), ...cells].join(',')
}

/** `fisherman log export`: the whole log on standard output. */
export async function logExportCommand(options: LogExportOptions): Promise<number> {
  return await withLog('export', options, async (log) => {
    const { format } = options
    const bar = progress(log.head().size, process.stdout.isTTY !== true)
    const write = async (line: string): Promise<void> => {
      if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
    }
    if (format === 'csv') await write(['seq', 'at', ...COLUMNS].join(','))
    for await (const entry of log.entries(numberOf('--from', options.from))) {
      bar.onEntry(entry.seq)
      await write(format === 'csv' ? csvOf(entry) : encodeEntry(entry))
    }
    bar.end()
    return 0
  })
}

/** `fisherman log prune`: gives back the space of what no dispute needs any more. */
export async function logPruneCommand(options: LogPruneOptions): Promise<number> {
  return await withLog('prune', options, async (log, dataDir) => {
    const days = numberOf('--keep-days', options.keepDays)
    const now = systemClock.nowMs()
    const beforeMs = now - days * DAY_MS
    const { size } = log.head()
    const bar = progress(size, options.json !== true)
    const rule = { beforeMs, forgetIdsBeforeMs: Math.min(beforeMs, now - STATUTE_DAYS * DAY_MS), ...bar }
    const pruned = await log.prune(rule).catch(async (error: unknown) => {
      bar.end()
      // Without a log that can be read nobody knows which evidence is still needed.
      if (isFishermanError(error)) throw error
      // What takes most of a full disk needs no space to go, and makes room for another try.
      const { files, bytes } = await evidenceOf(dataDir, log).dropOld(beforeMs)
      throw usage(
        `the log could not be pruned (${messageOf(error)}); ${files} bundles were removed, ${megabytes(bytes)} MB. Free some space and run it again`,
      )
    })
    bar.end()
    const media = await evidenceOf(dataDir, log).dropOld(beforeMs)
    const { root } = log.head()
    if (options.json) console.log(JSON.stringify({ ...pruned, bundles: media.files, bundleBytes: media.bytes, root }))
    else
      console.log(
        [
          `${pruned.entries} of ${size} entries pruned, ${megabytes(pruned.bytes)} MB of text`,
          `${media.files} bundles of finished or forgotten cases removed, ${megabytes(media.bytes)} MB`,
          `the hashes stay: every head that was ever signed can still be proven, root ${root}`,
        ].join('\n'),
      )
    return 0
  })
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}

/** `fisherman log repair`: 0 when nothing is missing, 1 with the first gap when something is. */
export async function logRepairCommand(options: LogOptions): Promise<number> {
  try {
    const onStep = (step: string): void => void (options.json || console.error(`${step} …`))
    const dataDir = dataDirOf(options)
    const result = await repairArchive(dataDir, { onStep })
    if (options.json) console.log(JSON.stringify(result))
    else
      console.log(
        [
          `the folder as it was: ${result.copy}`,
          ...(result.firstGap
            ? [
                `first gap at entry ${result.firstGap.seq}: ${result.firstGap.reason}; ${result.kept} entries before it hold`,
                `${result.behind} readable entries behind it are in the copy only`,
                'peers hold a head of the longer log: this key signs again only after `fisherman run --first-start`',
              ]
            : [`nothing is missing: all ${result.kept} entries hold`]),
        ].join('\n'),
      )
    const log = await openArchive(dataDir)
    const verified = await log.verify().finally(() => log.close())
    if (!verified.ok) throw usage(`the repaired log does not hold at entry ${verified.firstBad}: ${verified.reason}`)
    return result.firstGap ? 1 : 0
  } catch (error) {
    complain('log repair', error)
    return exitCodeOf(error)
  }
}
