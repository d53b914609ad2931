import { join } from 'node:path'
import { decodeStatement, type StatementKind } from '../../proofs/codec.ts'
import { hexToBytes } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import { openGuard } from '../../src/attest/guard.ts'
import { systemClock } from '../../src/base/clock.ts'
import { verifierInterface } from '../../src/chain/contracts.ts'
import { type Entry, encodeEntry } from '../../src/prooflog/entry.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'
import type { CrashWorld, Reached, Sent } from './world.ts'

/** Everything that was acknowledged or signed in any run so far. */
export interface Ledger {
  entries: Map<number, string>
  /** kind and id -> digest. */
  signed: Map<string, Hex>
  points: Map<string, number>
}

export function createLedger(): Ledger {
  return { entries: new Map(), signed: new Map(), points: new Map() }
}

type Intent = { id: string; action: string; state: string; data: string; nonce?: number; variants: { hash: string }[] }

/** What a killed daemon left must hold together; throws an error that says what does not. */
export async function checkAfterCrash(world: CrashWorld, journal: readonly Reached[], ledger: Ledger): Promise<void> {
  learn(journal, ledger)
  const { dataDir } = world.fisherman
  const log = await openProofLog({ folder: join(dataDir, 'proofs') }, { clock: systemClock })
  try {
    await checkLog(log, journal, ledger)
  } finally {
    await log.close()
  }
  const guard = await openGuard(join(dataDir, 'guard'))
  const said = new Map<string, Hex>()
  for await (const { kind, id, digest } of guard.all()) said.set(`${kind}/${id}`, digest)
  await guard.close()
  for (const [key, digest] of ledger.signed)
    must(said.get(key) === digest, `the guard says ${said.get(key)} for ${key}, but ${digest} was signed`)
}

function learn(journal: readonly Reached[], { entries, signed, points }: Ledger): void {
  for (const { point, step, what, stage, record } of journal) {
    points.set(point, (points.get(point) ?? 0) + 1)
    if (stage === 'recorded' && (step === 'sample' || step === 'verdict' || step === 'say') && record) {
      const entry = record as Entry
      entries.set(entry.seq, encodeEntry(entry))
    }
    // What the guard admitted may be signed from that moment on.
    if (step === 'sign' && what !== 'head' && stage === 'recorded') {
      const { kind, id, digest } = record as { kind: string; id: Hex; digest: Hex }
      const before = signed.get(`${kind}/${id}`)
      must(before === undefined || before === digest, `two different ${kind} were signed for ${id}`)
      signed.set(`${kind}/${id}`, digest)
    }
  }
}

async function checkLog(log: ProofLog, journal: readonly Reached[], ledger: Ledger): Promise<void> {
  const verified = await log.verify()
  must(verified.ok, `the log does not hold: ${JSON.stringify(verified)}`)
  for (const [seq, text] of ledger.entries) {
    const entry = seq < log.head().size ? await log.read(seq) : undefined
    must(entry !== undefined && encodeEntry(entry) === text, `entry ${seq} was acknowledged and is not there`)
  }
  // One statement of ours about one thing.
  const subjects = new Set<string>()
  for (const { payload } of await log.find({ kind: 'statement-sent' })) {
    const { kind, bytes } = payload as { kind: StatementKind; bytes: Hex }
    if (kind === 'window') continue
    const { body } = decodeStatement(kind, hexToBytes(bytes))
    const { sampleId, faultId, evidenceHash } = body as { sampleId?: Hex; faultId?: Hex; evidenceHash?: Hex }
    // A fault that came to nothing may be accused again with the other rendition: that case has votes of its own.
    const subject = `${kind}/${sampleId ?? (kind === 'vote' ? `${faultId}/${evidenceHash}` : faultId)}`
    must(!subjects.has(subject), `${subject} was said twice`)
    subjects.add(subject)
  }
  // A deeper look for a case is one of its own.
  const checked = (await log.find({ kind: 'verdict' })).flatMap(({ payload }) => {
    const { sampleId, again } = payload as { sampleId: Hex; again?: true }
    return again ? [] : [sampleId]
  })
  must(new Set(checked).size === checked.length, 'a sample was judged twice')
  const written = (await log.find({ kind: 'tx-intent' })).map(({ payload }) => payload as unknown as Intent)
  const intents = new Map(written.map((intent) => [intent.id, intent]))
  // The same work is the same bytes in every life; a commitment with another salt would be a second one for one fault.
  for (const { id, data, action } of written)
    must(!['commit', 'reveal'].includes(action) || data === intents.get(id)?.data, `${id} was prepared in two ways`)
  for (const { step, stage, record } of journal)
    if ((step === 'intend' || step === 'broadcast' || step === 'mined') && stage === 'recorded') {
      const { id } = record as Intent
      must(intents.has(id), `the intent ${id} was acknowledged and is not there`)
    }
}

/** Asked twice about one thing, a daemon says the same: the guard never had to step in. */
export function checkWords(world: CrashWorld): void {
  must(!world.logOf().includes('has already signed another'), 'the daemon wanted to sign two different things about one')
}

const EXPIRE = verifierInterface.getFunction('expire')?.selector ?? 'no such function'

/** On the chain each piece of work stands once: the same call was never made twice. */
export async function checkChain(world: CrashWorld): Promise<number> {
  const sent = await world.transactions()
  const seen = new Map<string, Sent>()
  for (const transaction of sent) {
    const work = `${transaction.to}/${transaction.data}`
    const before = seen.get(work)
    // Only an open case can expire: where it succeeds twice, the fault was accused twice.
    const isNextCase = transaction.ok && transaction.data.startsWith(EXPIRE)
    must(
      before?.ok !== true || isNextCase,
      `work that was done was sent again: nonces ${before?.nonce} and ${transaction.nonce}, ${work.slice(0, 120)}`,
    )
    seen.set(work, transaction)
  }
  return sent.length
}

/** Milliseconds in which a daemon that is left alone proves what earlier ones found, however many they are and however busy the machine. */
const PROOF_MS = 90_000

/**
 * Lets a daemon go on, unharmed, until every fault that any life before it found is proven on the chain, and cuts it off then. Throws where
 * that does not come. Returns how many there are.
 */
export async function checkCases(world: CrashWorld, ledger: Ledger): Promise<number> {
  const found = await foundFaults(world)
  let left: string[] = found
  const until = async () => {
    left = await world.unproven(left)
    return left.length === 0
  }
  const { journal, hit } = await world.run({ until, withinMs: PROOF_MS })
  must(hit, `${left.length} of ${found.length} found cases are not proven, ${left[0]} for one`)
  await checkAfterCrash(world, journal, ledger)
  return found.length
}

async function foundFaults(world: CrashWorld): Promise<string[]> {
  const log = await openProofLog({ folder: join(world.fisherman.dataDir, 'proofs') }, { clock: systemClock })
  try {
    const cases = (await log.find({ kind: 'case' })).map(({ payload }) => payload as { state: string; faultId: string })
    return [...new Set(cases.filter(({ state }) => state === 'found').map(({ faultId }) => faultId))]
  } finally {
    await log.close()
  }
}

function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what)
}
