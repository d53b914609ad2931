import fc from 'fast-check'
import { type AnyStatement, encodeStatement, maxBytesOf, STATEMENT_STRUCTS, type StatementKind } from '../../proofs/codec.ts'
import { type Field, STRUCTS } from '../../proofs/structs.ts'
import { createCounters } from '../../src/gossip/counters.ts'
import { createIntake } from '../../src/gossip/intake.ts'
import { createQuotas } from '../../src/gossip/quotas.ts'
import { createSeen } from '../../src/gossip/seen.ts'
import type { ValidationContext } from '../../src/gossip/validate.ts'
import { addressOf, DOMAIN } from '../helpers/fixtures.ts'
import {
  answerBody,
  headBody,
  MEMBERS,
  NODE,
  NOW,
  proof,
  STRANGER,
  sealedBody,
  sign,
  silent,
  view,
  voteBody,
  WINDOW_SECONDS,
  windowBody,
} from './world.ts'

// One kind of statement, mutated: its bytes at random, and its fields one or two at a time, signed again or not. What must come of each is
// told by `expected`, a second reading of the rules that shares no code with the first.

const STATUTE = 15 * 5_760 * 12
const SKEW = WINDOW_SECONDS
const SIGNERS = { member: MEMBERS[0]!, other: MEMBERS[1]!, node: NODE, stranger: STRANGER }
type SignerName = keyof typeof SIGNERS
type Body = Record<string, string | number | bigint>

/** Sums up what a run met; a fuzz test that meets one answer only tests nothing. */
export interface Tally {
  runs: number
  accepted: number
  ignored: number
  rejected: number
}

const OWN_SIGNER: Readonly<Record<StatementKind, SignerName>> = {
  window: 'node',
  sealed: 'member',
  answer: 'member',
  vote: 'member',
  'fraud-proof': 'member',
  head: 'member',
}

async function honest(kind: StatementKind): Promise<AnyStatement> {
  const by = SIGNERS[OWN_SIGNER[kind]]
  if (kind === 'fraud-proof') return proof()
  if (kind === 'window') return sign(by, 'window', windowBody())
  if (kind === 'sealed') return sign(by, 'sealed', sealedBody())
  if (kind === 'answer') return sign(by, 'answer', answerBody())
  if (kind === 'vote') return sign(by, 'vote', voteBody())
  return sign(by, 'head', headBody())
}

/** Both sides of every line in time that a rule draws, in seconds and in windows. */
const EDGES = [0, SKEW, WINDOW_SECONDS + SKEW, 3_600 + SKEW, STATUTE, -SKEW, -STATUTE, -STATUTE - SKEW - WINDOW_SECONDS]
  .flatMap((offset) => [NOW + offset - 1, NOW + offset, NOW + offset + 1, Math.floor((NOW + offset) / WINDOW_SECONDS)])
  .map(BigInt)

/** Values that a field may take: its ends, the neighbourhood of what it is and of now, other people's names, and anything. */
function anyValue({ type }: Field, now: string | number | bigint): fc.Arbitrary<string | number | bigint> {
  if (type === 'address') {
    const known = Object.values(SIGNERS).map((who) => addressOf(who) as string)
    return fc.oneof(fc.constantFrom(...known, `0x${'00'.repeat(20)}`), hexOf(20))
  }
  if (type === 'bytes32') return fc.oneof(fc.constantFrom(`0x${'00'.repeat(32)}`, `0x${'ff'.repeat(32)}`), hexOf(32))
  const bits = Number(type.slice(4))
  const top = 2n ** BigInt(bits) - 1n
  const own = [BigInt(now) - 1n, BigInt(now) + 1n, 0n, 1n, top]
  const near = [...own, ...(bits > 32 ? EDGES : [3n, 4n, 9n, 10n])]
  const fit = near.filter((value) => value >= 0n && value <= top)
  const value = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...fit) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: top }) },
  )
  return bits > 32 ? value : value.map(Number)
}

function hexOf(bytes: number): fc.Arbitrary<string> {
  return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array) => `0x${Buffer.from(array).toString('hex')}`)
}

interface Door {
  receive(bytes: Uint8Array): Promise<string>
  /** Everything that a refused statement may not change. */
  state(): number
  kept(): number
}

function doorFor(kind: StatementKind): Door {
  const counters = createCounters()
  const clock = { nowMs: () => 0 }
  let kept = 0
  const context: ValidationContext = {
    ...{ domain: DOMAIN, verdictVersion: 1, windowSeconds: WINDOW_SECONDS, statuteSeconds: STATUTE, nowSec: () => NOW },
    ...{ view, seen: createSeen(() => NOW), quotas: createQuotas(clock) },
  }
  const intake = createIntake({
    ...{ context, counters, log: silent, has: () => false },
    deliver: async () => void kept++,
  })
  return {
    async receive(bytes) {
      const outcome = await intake.receive(kind, bytes, 'gossip')
      return outcome.answer === 'accept' ? 'accept' : `${outcome.answer} ${outcome.refusal.code}`
    },
    state: () => Object.values(context.seen).reduce((sum, cache) => sum + cache.size(), 0) + intake.queued(),
    kept: () => kept,
  }
}

/** Throws where an answer is not the right one, a refused statement leaves a trace, or anything crashes. */
export async function fuzzKind(kind: StatementKind, runs: number, seed = 1): Promise<Tally> {
  const tally: Tally = { runs: 0, accepted: 0, ignored: 0, rejected: 0 }
  const good = await honest(kind)
  const bytes = encodeStatement(good)
  const share = Math.ceil(runs / 2)

  async function meet(mutated: Uint8Array, right: (answer: string) => boolean): Promise<void> {
    const door = doorFor(kind)
    const answer = await door.receive(mutated)
    tally.runs++
    if (answer === 'accept') tally.accepted++
    else if (answer.startsWith('reject')) tally.rejected++
    else tally.ignored++
    if (!right(answer) || answer.endsWith('internal')) throw new Error(`${kind}: ${answer} is not the right answer`)
    if (answer !== 'accept' && door.state() + door.kept() !== 0) throw new Error(`${kind}: ${answer} left something behind`)
  }

  const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
  const cut = fc.option(fc.nat(2 * bytes.length), { freq: 3 })
  const noise = fc.uint8Array({ maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(flips, cut, fc.option(noise, { freq: 8 }), async (xors, end, tail) => {
      const mutated = Uint8Array.from([...bytes.subarray(0, end ?? bytes.length), ...(tail ?? [])])
      for (const [at, xor] of xors)
        if (mutated.length > 0) mutated[at % mutated.length] = (mutated[at % mutated.length] ?? 0) ^ xor
      if (Buffer.compare(mutated, bytes) === 0) return
      // Nothing that was not signed is accepted; most of it is not even a statement.
      await meet(mutated, (answer) => answer !== 'accept')
      if (mutated.length > maxBytesOf(kind)) await meet(mutated, (answer) => answer === 'reject too-large')
    }),
    { numRuns: share, seed },
  )

  const fields = STRUCTS[STATEMENT_STRUCTS[kind]]
  const changes = fc
    .uniqueArray(fc.constantFrom(...fields), { minLength: 1, maxLength: 2, selector: ({ name }) => name })
    .chain((chosen) =>
      fc.record(
        Object.fromEntries(chosen.map((field) => [field.name, anyValue(field, (good.body as unknown as Body)[field.name] ?? 0)])),
      ),
    )
  const signer = fc.constantFrom<SignerName | 'nobody'>(
    ...Array<SignerName>(5).fill(OWN_SIGNER[kind]),
    'other',
    'stranger',
    'nobody',
  )
  await fc.assert(
    fc.asyncProperty(changes, signer, async (change, by) => {
      const body = { ...good.body, ...change } as unknown as Body
      const signed =
        by === 'nobody'
          ? ({ ...good, body } as unknown as AnyStatement)
          : await sign(SIGNERS[by], kind, body as never, good.extra)
      const isSame = Object.entries(change).every(([name, value]) => (good.body as unknown as Body)[name] === value)
      const own = by === 'nobody' ? OWN_SIGNER[kind] : by
      await meet(encodeStatement(signed), (answer) => expected(kind, body, own, by !== 'nobody' || isSame).has(answer))
    }),
    { numRuns: share, seed },
  )
  return tally
}

/** All answers that are right for a well-formed statement; more than one where the order of two rules is nobody's business. */
function expected(kind: StatementKind, body: Body, by: SignerName, isSigned: boolean): Set<string> {
  const wrong = new Set<string>()
  const rule = (broken: boolean, answer: string) => broken && wrong.add(answer)
  const big = (name: string) => BigInt(body[name] ?? 0)
  const [now, skew, statute] = [BigInt(NOW), BigInt(SKEW), BigInt(STATUTE)]
  rule(!isSigned, 'reject bad-signature')
  if (kind === 'window') {
    const opened = big('windowId') * BigInt(WINDOW_SECONDS)
    rule(opened > big('closedAt'), 'ignore window-time')
    rule(big('closedAt') > now + BigInt(WINDOW_SECONDS) + skew, 'ignore future')
    rule(opened + BigInt(WINDOW_SECONDS) + statute + skew < now, 'ignore expired')
    rule(by !== 'node' || body.transcoder !== addressOf(NODE), 'ignore not-signer')
  } else if (kind !== 'fraud-proof') rule(by === 'stranger' || by === 'node', 'ignore not-member')
  if (kind === 'sealed') {
    rule(big('deadline') > now + 3_600n + skew, 'ignore future')
    rule(big('deadline') + statute < now, 'ignore expired')
  }
  if (kind === 'answer') {
    rule(Number(body.outcome) > 3, 'reject bad-field')
    rule(Number(body.rendition) >= 10, 'reject bad-field')
  }
  if (kind === 'answer' || kind === 'vote') rule(Number(body.verdictVersion) !== 1, 'ignore version')
  if (kind === 'vote') {
    rule(![17, 18, 19].includes(Number(body.faultClass)), 'reject bad-field')
    rule(Number(body.rendition) >= 10, 'reject bad-field')
    rule(big('deadline') + skew < now, 'ignore expired')
    rule(big('deadline') > now + statute, 'ignore future')
  }
  if (kind === 'head') {
    rule(body.fisherman !== addressOf(SIGNERS[by]), 'reject bad-field')
    rule(big('signedAt') > now + skew, 'ignore future')
  }
  if (kind === 'fraud-proof') {
    rule(![1, 2, 3, 4, 5, 6, 17, 18, 19].includes(Number(body.faultClass)), 'ignore unknown-class')
    rule(big('expiresAt') + skew < now, 'ignore expired')
    const isProven =
      body.faultClass === 1 && body.transcoder === addressOf(NODE) && ownWords(body) && body.reporter === addressOf(SIGNERS[by])
    rule(!isProven, 'reject bad-proof')
  }
  return wrong.size === 0 ? new Set(['accept']) : wrong
}

let proven: Body | undefined
/** What the evidence itself says of the fault. */
function ownWords(body: Body): boolean {
  const names = ['faultId', 'receiptDigest', 'evidenceHash'] as const
  return proven !== undefined && names.every((name) => body[name] === proven?.[name])
}
export async function prepare(): Promise<void> {
  proven = (await proof()).body as unknown as Body
}
