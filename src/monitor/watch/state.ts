import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Domain, Hex } from '../../../proofs/types.ts'
import { FishermanError, messageOf } from '../../base/errors.ts'
import type { Cursor } from '../../gossip/pull-frames.ts'

/** What a watch remembers: which proofs were shown, and how far each peer's log was read. */
export interface WatchState {
  knows(id: Hex): boolean
  /** Proofs of this fault shown so far. */
  reportsOf(faultId: Hex): number
  /** Number that the next shown proof will have. */
  next(): number
  /** It was shown, and is never shown again; on disk when this returns. */
  shown(id: Hex, faultId: Hex): void
  /** It is older than what was asked for. */
  skipped(id: Hex): void
  placeOf(peerId: string): Cursor | undefined
  reached(peerId: string, cursor: Cursor): void
  /** Forgets what was shown after this number, and all places, so that it comes again. */
  rewind(cursor: number): void
  close(): void
}

/** Proofs remembered, the oldest go first: months of a busy network in some megabytes. */
const MAX_SHOWN = 50_000
const MAX_PLACES = 256

const hash = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .transform((text) => text as Hex)
const count = z.number().int().min(0)
const lineSchema = z.union([
  z.strictObject({ n: count, id: hash, fault: hash.optional() }),
  z.strictObject({
    peer: z.string().max(128),
    seq: z
      .string()
      .regex(/^[0-9]{1,20}$/)
      .transform(BigInt),
    tag: z.string().regex(/^[0-9a-f]{16}$/),
  }),
  z.strictObject({ rewind: count }),
])
type Line = z.output<typeof lineSchema>

interface Kept {
  n: number
  fault: Hex | undefined
}

/**
 * Opens the state of one network, or one that lives as long as the process where there is no file. The file is lines of JSON that are only added to, so that
 * a crash costs at most the last one; it is written anew at each start.
 */
export function openWatchState(file: string | undefined, domain: Domain): WatchState {
  const shown = new Map<Hex, Kept>()
  const faults = new Map<Hex, number>()
  const places = new Map<string, Cursor>()
  let last = 0

  const count = (fault: Hex | undefined, by: number): void => {
    if (fault !== undefined) faults.set(fault, (faults.get(fault) ?? 0) + by)
  }
  function forget(id: Hex): void {
    count(shown.get(id)?.fault, -1)
    shown.delete(id)
  }
  function apply(line: Line): void {
    if ('rewind' in line) {
      for (const [id, { n }] of shown) if (n > line.rewind) forget(id)
      places.clear()
    } else if ('peer' in line) {
      places.delete(line.peer)
      places.set(line.peer, { seq: line.seq, tag: line.tag })
      for (const peer of places.keys()) if (places.size > MAX_PLACES) places.delete(peer)
    } else {
      shown.set(line.id, { n: line.n, fault: line.fault })
      count(line.fault, 1)
      last = Math.max(last, line.n)
      for (const id of shown.keys())
        if (shown.size > MAX_SHOWN) forget(id)
        else break
    }
  }

  const header = JSON.stringify({ watch: 1, chainId: domain.chainId.toString(), anchor: domain.anchor })
  let unlock = (): void => undefined
  let handle: number | undefined
  if (file !== undefined) {
    unlock = lock(file)
    try {
      for (const line of readLines(file, header)) apply(line)
      const lines = [
        ...[...shown].map(([id, { n, fault }]) => textOf({ n, id, ...(fault === undefined ? {} : { fault }) })),
        ...[...places].map(([peer, { seq, tag }]) => textOf({ peer, seq, tag })),
      ]
      writeFileSync(`${file}.new`, `${[header, ...lines].join('\n')}\n`, { mode: 0o600 })
      renameSync(`${file}.new`, file)
      handle = openSync(file, 'a', 0o600)
    } catch (error) {
      unlock()
      throw error instanceof FishermanError ? error : unusable(file, messageOf(error), 'choose another with --state', error)
    }
  }

  function add(line: Line): void {
    apply(line)
    if (handle === undefined || file === undefined) return
    try {
      writeSync(handle, `${textOf(line)}\n`)
    } catch (error) {
      throw unusable(file, messageOf(error), 'make room, or choose another with --state', error)
    }
  }

  return {
    knows: (id) => shown.has(id),
    reportsOf: (faultId) => faults.get(faultId) ?? 0,
    next: () => last + 1,
    shown: (id, fault) => add({ n: last + 1, id, fault }),
    skipped: (id) => add({ n: 0, id }),
    placeOf: (peerId) => places.get(peerId),
    reached(peer, { seq, tag }) {
      const before = places.get(peer)
      if (before?.seq !== seq || before.tag !== tag) add({ peer, seq, tag })
    },
    rewind: (cursor) => add({ rewind: cursor }),
    close() {
      if (handle !== undefined) {
        fsyncSync(handle)
        closeSync(handle)
        handle = undefined
      }
      unlock()
    },
  }
}

function textOf(line: Line): string {
  return JSON.stringify(line, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
}

function readLines(file: string, header: string): Line[] {
  if (!existsSync(file)) return []
  const text = readFileSync(file, 'utf8')
  // What stands behind the last line break was being written when the machine stopped.
  const [first, ...lines] = text.split('\n').slice(0, -1)
  if (first === undefined) return []
  if (first !== header) throw unusable(file, 'it is of another network, or no state of a watch', 'choose another with --state')
  return lines.map((line, i) => {
    try {
      return lineSchema.parse(JSON.parse(line))
    } catch (cause) {
      throw unusable(file, `line ${i + 2} is damaged`, 'delete it to begin anew', cause)
    }
  })
}

/** One watch at a time writes a state: two would each show what the other has shown, and lose the other's lines. */
function lock(file: string): () => void {
  const path = `${file}.lock`
  const pid = String(process.pid)
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    for (let tries = 0; ; tries++)
      try {
        writeFileSync(path, pid, { flag: 'wx', mode: 0o600 })
        return () => rmSync(path, { force: true })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries > 0) throw error
        const owner = Number(readFileSync(path, 'utf8'))
        if (isAlive(owner))
          throw unusable(file, `another watch (process ${owner}) is writing it`, 'stop that one, or choose another with --state')
        // Its owner was killed.
        rmSync(path, { force: true })
      }
  } catch (error) {
    throw error instanceof FishermanError ? error : unusable(file, messageOf(error), 'choose another with --state', error)
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function unusable(file: string, why: string, what: string, cause?: unknown): FishermanError {
  const message = `the state file ${file} cannot be used: ${why}; ${what}`
  return new FishermanError({ code: 'watch-state', message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}
