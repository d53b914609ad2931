import { Level } from 'level'
import { bytesToHex, hexToBytes } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import { FishermanError, isFishermanError, messageOf } from '../base/errors.ts'

/** A signed head, as far as the next one must fit it. */
export interface GuardedHead {
  epoch: bigint
  size: bigint
  root: Hex
}

/** What is guarded, and the first byte of its keys. Append only. */
export const GUARDED = { sealed: 1, answer: 2, vote: 3, report: 4, receipt: 5, window: 6 } as const
export type Guarded = keyof typeof GUARDED

/** One thing that this key has said. */
export interface Said {
  kind: Guarded
  /** Of the sample or the fault; of the order that a receipt is for, of a window as 32 bytes. */
  id: Hex
  /** EIP-712 digest of what was signed. */
  digest: Hex
}

/**
 * Remembers, on disk and for ever, what this key has said: one seal and one answer for one sample, one vote on one fault by the same inputs. Asked before
 * each signature; the entry is synced before the signature exists, so that a crash can only lose a statement, never make two.
 */
export interface Guard {
  readonly owner: string
  /** Resolves when `digest` may be signed; saying the same again is allowed, saying something else throws `guard-refused`. */
  admit(said: Said): Promise<void>
  /** Life of the log that this key signs heads of; a new one begins where the old history is not here. */
  epoch(): bigint
  /** Why this key must not sign any more, for good; undefined when it may. */
  stopped(): string | undefined
  /** The last head of its log that this key signed, in the epoch that it is in. */
  head(): GuardedHead | undefined
  /** Resolves when this head may be signed: never a shorter history than before, nor another of the same length. */
  admitHead(head: GuardedHead): Promise<void>
  /** Stops it for good, also after restarts. */
  stop(reason: string): Promise<void>
  /** Takes the stop back and begins a new life: only by the operator's own word. */
  begin(epoch: bigint): Promise<void>
  all(): AsyncGenerator<Said>
  /** Takes over what the key has said elsewhere, and begins `epoch`. Refuses whatever contradicts what was said here; then nothing is written. */
  absorb(said: () => AsyncIterable<Said>, epoch: bigint): Promise<number>
  close(): Promise<void>
}

/** Layout: 2 has 33-byte keys and 32-byte values; 1 had both as text. */
const SCHEMA = '2'
const BATCH = 2_000
const SYNCED = { sync: true } as object
const HASH = /^0x[0-9a-f]{64}$/

function guardError(code: string, message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code, message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}

interface Opened {
  db: Level<string, string>
  meta: ReturnType<typeof metaOf>
  said: ReturnType<typeof saidOf>
}

const metaOf = (db: Level<string, string>) => db.sublevel<string, string>('meta', {})
const saidOf = (db: Level<string, string>) =>
  db.sublevel<Uint8Array, Uint8Array>('said', { keyEncoding: 'view', valueEncoding: 'view' })

async function openDatabase(folder: string, create: boolean): Promise<Opened> {
  const db = new Level<string, string>(folder)
  try {
    await db.open({ createIfMissing: create })
  } catch (cause) {
    const why = (cause as { cause?: { code?: string; message?: string } }).cause
    if (why?.code === 'LEVEL_LOCKED')
      throw guardError(
        'guard-locked',
        `another fisherman is running on ${folder}; stop it first, one key must never sign in two places`,
        cause,
      )
    if (/does not exist|No such file/i.test(why?.message ?? ''))
      throw guardError(
        'guard-missing',
        `${folder} holds no signing guard; name the data folder of a fisherman that has a key`,
        cause,
      )
    throw guardError('guard-open', `cannot open the signing guard ${folder} (${messageOf(why ?? cause)})`, cause)
  }
  return { db, meta: metaOf(db), said: saidOf(db) }
}

/** Opens the guard of one signer; a folder made for another key is refused. Without an owner an existing one is opened, whosever it is. */
export async function openGuard(folder: string, owner?: string): Promise<Guard> {
  let open = await openDatabase(folder, owner !== undefined)
  let state: State
  try {
    state = await loadState(folder, open, owner)
  } catch (error) {
    await open.db.close()
    throw error
  }
  let failed = false
  // One at a time: two callers with the same key must not both find it empty.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }

  /** A write that failed leaves LevelDB closed to all others; after it the database is opened anew, and what lies there is asked. */
  async function write(work: (db: Opened) => Promise<unknown>): Promise<void> {
    try {
      if (failed) {
        await open.db.close()
        open = await openDatabase(folder, false)
        failed = false
      }
      await work(open)
    } catch (cause) {
      if (isFishermanError(cause)) throw cause
      failed = true
      throw guardError(
        'guard-write',
        `cannot write the signing guard ${folder} (${messageOf(cause)}); nothing is signed. Free some space`,
        cause,
      )
    }
  }

  async function admit({ kind, id, digest }: Said): Promise<void> {
    await write(async ({ said }) => {
      const before = await said.get(keyOf(kind, id))
      if (before && bytesToHex(before) === digest) return
      if (before) throw guardError('guard-refused', `this key has already signed another ${kind} for ${id}`)
      await said.put(keyOf(kind, id), hexToBytes(digest), SYNCED)
    })
  }

  const setMeta = (values: Readonly<Record<string, string>>) =>
    write(async ({ meta }) => {
      await meta.batch(
        Object.entries(values).map(([key, value]) => ({ type: 'put' as const, key, value })),
        SYNCED,
      )
    })

  async function begin(epoch: bigint): Promise<void> {
    if (epoch < state.epoch) throw guardError('guard-epoch', `epoch ${epoch} was over before this folder's ${state.epoch}`)
    await setMeta({ epoch: epoch.toString(), stopped: '' })
    state = { ...state, epoch, stopped: undefined }
  }

  return {
    owner: state.owner,
    admit: (said) => inTurn(() => admit(said)),
    epoch: () => state.epoch,
    stopped: () => state.stopped,
    head: () => (state.head?.epoch === state.epoch ? state.head : undefined),
    admitHead: (next) =>
      inTurn(async () => {
        const { head, epoch } = state
        const isNew = head === undefined || head.epoch < epoch
        if (next.epoch !== epoch || (!isNew && (next.size < head.size || (next.size === head.size && next.root !== head.root))))
          throw guardError('guard-refused', 'this key has already signed a head of a longer or of another history of its log')
        const { size, root } = next
        await setMeta({ head: JSON.stringify({ epoch: epoch.toString(), size: size.toString(), root }) })
        state = { ...state, head: { epoch, size, root } }
      }),
    stop: (reason) =>
      inTurn(async () => {
        if (state.stopped !== undefined) return
        // In memory first: a disk that is full must not let it go on.
        state = { ...state, stopped: reason }
        await setMeta({ stopped: reason })
      }),
    begin: (epoch) => inTurn(() => begin(epoch)),
    async *all() {
      for await (const [key, value] of open.said.iterator()) yield saidFrom(key, value)
    },
    absorb: (list, epoch) =>
      inTurn(async () => {
        // Twice through: first everything is compared, and only then anything is written.
        for await (const { kind, id, digest } of list()) {
          const before = await open.said.get(keyOf(kind, id))
          if (before && bytesToHex(before) !== digest)
            throw guardError(
              'guard-conflict',
              `this folder's key has signed another ${kind} for ${id} than the file says: it was used in two places. Nothing was taken over`,
            )
        }
        let count = 0
        let batch = open.db.batch()
        for await (const { kind, id, digest } of list()) {
          batch.put(keyOf(kind, id), hexToBytes(digest), { sublevel: open.said })
          if (++count % BATCH !== 0) continue
          await batch.write()
          batch = open.db.batch()
        }
        await batch.write(SYNCED)
        // An older life cannot come back: the one that is here goes on.
        await (epoch > state.epoch ? begin(epoch) : begin(state.epoch))
        return count
      }),
    async close() {
      await last
      await open.db.close()
    },
  }
}

interface State {
  owner: string
  epoch: bigint
  stopped: string | undefined
  head: GuardedHead | undefined
}

function headFrom(text: string | undefined): GuardedHead | undefined {
  if (text === undefined) return undefined
  const { epoch, size, root } = JSON.parse(text) as Record<string, string>
  return { epoch: BigInt(epoch ?? 0), size: BigInt(size ?? 0), root: root as Hex }
}

async function loadState(folder: string, { db, meta, said }: Opened, owner: string | undefined): Promise<State> {
  const [schema, epoch, stopped, head] = await meta.getMany(['schema', 'epoch', 'stopped', 'head'])
  const known = (await meta.get('owner')) ?? (await db.get('owner'))
  if (known === undefined && owner === undefined) throw guardError('guard-missing', `${folder} holds no signing guard`)
  if (known !== undefined && owner !== undefined && known !== owner)
    throw guardError(
      'guard-owner',
      `the signing guard ${folder} belongs to ${known}, not to ${owner}; use that key or another data folder`,
    )
  if (schema !== undefined && schema !== SCHEMA)
    throw guardError(
      'guard-schema',
      `the signing guard ${folder} has layout ${schema}, this program knows ${SCHEMA}; use the newer program`,
    )
  if (schema === undefined) {
    const batch = db.batch()
    for (const [key, text] of await oldEntries(db)) batch.put(key, text, { sublevel: said })
    batch.put('schema', SCHEMA, { sublevel: meta })
    batch.put('owner', known ?? (owner as string), { sublevel: meta })
    await batch.write(SYNCED)
  }
  return { owner: known ?? (owner as string), epoch: BigInt(epoch ?? 1), stopped: stopped || undefined, head: headFrom(head) }
}

/** Entries of layout 1: `said/<kind>/<id>` -> digest, as text at the top. */
async function oldEntries(db: Level<string, string>): Promise<[Uint8Array, Uint8Array][]> {
  const found: [Uint8Array, Uint8Array][] = []
  for await (const [key, digest] of db.iterator({ gte: 'said/', lt: 'said0' })) {
    const [, kind, id] = key.split('/')
    if (kind && kind in GUARDED && HASH.test(id ?? '') && HASH.test(digest))
      found.push([keyOf(kind as Guarded, id as Hex), hexToBytes(digest as Hex)])
  }
  return found
}

function keyOf(kind: Guarded, id: Hex): Uint8Array {
  return Uint8Array.from([GUARDED[kind], ...hexToBytes(id)])
}

function saidFrom(key: Uint8Array, value: Uint8Array): Said {
  const kind = (Object.keys(GUARDED) as Guarded[]).find((name) => GUARDED[name] === key[0])
  if (!kind || key.length !== 33 || value.length !== 32)
    throw guardError('guard-damaged', 'the signing guard holds an entry that it never wrote; nothing is signed with it')
  return { kind, id: bytesToHex(key.subarray(1)), digest: bytesToHex(value) }
}
