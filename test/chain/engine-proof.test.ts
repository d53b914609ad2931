import type { Wallet } from 'ethers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf, workCommitOf } from '../../proofs/digest.ts'
import { decodeEvidence, encodeConviction, encodeEquivocation, encodePassThrough, shareOf } from '../../proofs/evidence.ts'
import { ordered } from '../../proofs/faults.ts'
import { FAULT_CLASSES, type FaultClass, type Hex, type StructName } from '../../proofs/types.ts'
import { buildProof, CHAIN_ONLY_ERRORS, convictionData, proveData } from '../../src/chain/proof.ts'
import { addressOf } from '../../src/chain/setup.ts'
import {
  conviction,
  createWorld,
  equivocation,
  errorName,
  highS,
  interfaceOf,
  passThrough,
  receipt,
  receiptOver,
  rendition,
  sign,
  signed,
  unique,
  type World,
} from './world.ts'

// The builder says yes exactly where the contract does, apart from what only the chain knows.

let world: World
const samples: { name: string; faultClass: FaultClass; evidence: Hex }[] = []
beforeAll(async () => {
  world = await createWorld({ roundSec: 3600 })
  const two = await equivocation(world, node())
  const [a, b] = [two.a, two.b].sort((p, q) => (digest(p) < digest(q) ? -1 : 1)) as [typeof two.a, typeof two.b]
  const signedA = await signed(node(), world.domain, a)
  const inOrder = { kind: 'receipts' as const, a: signedA, b: await signed(node(), world.domain, b) }
  samples.push({ name: 'two receipts', faultClass: 'O1', evidence: encodeEquivocation(inOrder) })
  const leaves = [rendition(0), rendition(1), rendition(1), rendition(2)]
  const own = await receiptOver(node(), world.domain, leaves)
  const twin = { a: leaves[1]!, pathA: own.path(1), b: leaves[2]!, pathB: own.path(2) }
  const twins = encodeEquivocation(ordered(world.domain, { kind: 'leaves', signed: own.signed, ...twin }))
  samples.push({ name: 'two leaves', faultClass: 'O1', evidence: twins })
  const window = { transcoder: addressOf(node()), windowId: 7n, root: unique(), count: 3, closedAt: BigInt(await world.now()) }
  const other = { ...window, root: unique() }
  const [signatureA, signatureB] = [await signWindow(window), await signWindow(other)]
  const both = { kind: 'windows' as const, a: window, signatureA, b: other, signatureB }
  const roots = encodeEquivocation(ordered(world.domain, both))
  samples.push({ name: 'two roots', faultClass: 'O1', evidence: roots })
  samples.push({ name: 'the source returned', faultClass: 'O3', evidence: (await passThrough(world, node())).evidence })
  const judged = await signed(node(), world.domain, receipt(node()))
  for (const faultClass of ['D1', 'D2', 'D3'] as const)
    samples.push({ name: 'votes', faultClass, evidence: (await conviction(world, judged, { faultClass })).evidence })
})
afterAll(() => world?.stop())

const node = () => world.orchestrators[0]!
const digest = (value: Parameters<typeof digestOf>[2]) => digestOf(world.domain, 'TranscodeReceipt', value as never)
const signWindow = (value: object) => sign(node(), world.domain, 'WindowRoot', value as never)

/** What the contract says: the fault, or the name of its refusal. */
async function verdict(faultClass: FaultClass, evidence: Hex): Promise<{ fault: unknown[] } | { error: string }> {
  const face = interfaceOf('FaultVerifier')
  const name = faultClass.startsWith('O') ? 'checkObjective' : 'checkConviction'
  const data = face.encodeFunctionData(name, [FAULT_CLASSES[faultClass], evidence])
  try {
    const raw = await world.provider.send('eth_call', [{ to: world.deployment.faultVerifier, data }, 'latest'])
    const [said] = face.decodeFunctionResult(name, raw)
    // A conviction tells more than the fault that it is about.
    const fault = (name === 'checkObjective' ? said : (said as unknown[])[0]) as unknown[]
    return { fault: [...fault].map((one) => String(one).toLowerCase()) }
  } catch (error) {
    return { error: errorName(error) }
  }
}

/** The two must agree; gives what both said. */
async function agree(faultClass: FaultClass, evidence: Hex): Promise<string> {
  const [ours, theirs] = [buildProof(world.domain, faultClass, evidence), await verdict(faultClass, evidence)]
  const said = JSON.stringify({ ours: ours.ok ? 'yes' : ours.reason, theirs })
  if ('fault' in theirs) {
    // One fault has one encoding here: the contract reads more of them, with the same content.
    if (!ours.ok && /canonical|order of their digests/.test(ours.reason)) return ours.reason
    expect(ours.ok, said).toBe(true)
    if (ours.ok) expect(theirs.fault).toEqual([ours.claim.faultId, ours.claim.transcoder, ours.claim.receiptDigest])
    return 'yes'
  }
  if (ours.ok) expect(CHAIN_ONLY_ERRORS, said).toContain(theirs.error)
  return theirs.error
}

type Node = Record<string, unknown> | unknown[]
type Leaf = { parent: Node; key: string | number }

/** Every value that has no parts. */
function leavesOf(value: unknown, found: Leaf[] = []): Leaf[] {
  for (const [key, inner] of Object.entries(value as object)) {
    if (key === 'kind') continue
    if (typeof inner === 'object' && inner !== null) leavesOf(inner, found)
    else found.push({ parent: value as Node, key })
  }
  return found
}

const listsOf = (value: unknown): unknown[][] =>
  typeof value !== 'object' || value === null
    ? []
    : [...(Array.isArray(value) && value.length > 0 ? [value] : []), ...Object.values(value).flatMap(listsOf)]

function changed(value: unknown, how: number): unknown {
  if (typeof value === 'bigint') return [value + 1n, 0n, value ^ 4n, 2n ** 64n - 1n][how % 4]
  if (typeof value === 'number') return [value ^ 1, 0, value ^ 2, 255][how % 4]
  const text = value as Hex
  if (text.length === 132)
    return [highS(text), `${text.slice(0, -2)}00`, text.slice(0, -2), `${text}00`, flip(text, how)][how % 5]
  return [flip(text, how), `0x${'0'.repeat(text.length - 2)}`][how % 2]
}

function flip(text: string, how: number): Hex {
  const at = 2 + (how % (text.length - 2))
  return `${text.slice(0, at)}${(Number.parseInt(text[at] as string, 16) ^ 1).toString(16)}${text.slice(at + 1)}` as Hex
}

interface Change {
  target: number
  how: number
  list: boolean
}

function mutate(value: unknown, { target, how, list }: Change): void {
  const lists = listsOf(value)
  const one = lists[target % (lists.length || 1)]
  if (list && one) {
    if (how % 4 === 0) one.pop()
    else if (how % 4 === 1) one.push(structuredClone(one[0]))
    else if (how % 4 === 2) one.reverse()
    else one.splice(0, 1)
    return
  }
  const all = leavesOf(value)
  const leaf = all[target % all.length] as Leaf
  const parent = leaf.parent as Record<string | number, unknown>
  parent[leaf.key] = changed(parent[leaf.key], how)
}

/** Signs again all that the mutation has broken: what is wrong then is the content. */
async function resign(value: Record<string, unknown>, by: Wallet): Promise<void> {
  const one = async (struct: StructName, body: unknown) => sign(by, world.domain, struct, body as never)
  for (const [, inner] of Object.entries(value)) {
    const part = inner as { receipt?: unknown; signature?: unknown }
    if (part?.receipt) part.signature = await one('TranscodeReceipt', part.receipt)
  }
  if (value.kind === 'windows') {
    value.signatureA = await one('WindowRoot', value.a)
    value.signatureB = await one('WindowRoot', value.b)
  }
  if (Array.isArray(value.shares)) {
    const voters = [...world.fishermen].sort((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1))
    value.shares = await Promise.all(
      value.shares.map(async (_, i) => {
        const workCommit = workCommitOf(addressOf(voters[i % voters.length]!), unique())
        const signature = await sign(voters[i % voters.length]!, world.domain, 'ConvictionVote', {
          ...(value.vote as object),
          workCommit,
        } as never)
        return shareOf(workCommit, signature)
      }),
    )
  }
}

const encoders: Partial<Record<FaultClass, (value: never) => Hex>> = {
  O1: encodeEquivocation,
  O3: encodePassThrough,
  D1: encodeConviction,
  D2: encodeConviction,
  D3: encodeConviction,
}

describe('a proof is built', () => {
  it('of every kind of evidence that is sound, and the contract says the same of what it proves', async () => {
    for (const { faultClass, evidence } of samples) expect(await agree(faultClass, evidence)).toBe('yes')
  })

  it('as calldata of its own way only: proofs are revealed, votes are brought', () => {
    const [proof, votes] = [samples[3]!, samples[4]!]
    expect(proveData(world.domain, 'O3', proof.evidence, unique())).toMatchObject({ ok: true, claim: { faultClass: 3 } })
    expect(convictionData(world.domain, 'D1', votes.evidence)).toMatchObject({ ok: true, claim: { faultClass: 17 } })
    expect(convictionData(world.domain, 'O3', proof.evidence)).toMatchObject({ ok: false })
    expect(proveData(world.domain, 'D1', votes.evidence, unique())).toMatchObject({ ok: false })
  })

  it('exactly where the contract takes it: random changes of content, signed again or not', { timeout: 120_000 }, async () => {
    const said = new Map<string, number>()
    const change = fc.record({ target: fc.nat(200), how: fc.nat(200), list: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(
        fc.nat(samples.length - 1),
        fc.array(change, { minLength: 1, maxLength: 2 }),
        fc.constantFrom('none', 'node', 'node', 'stranger'),
        async (which, changes, signer) => {
          const { faultClass, evidence } = samples[which]!
          const value = structuredClone(decodeEvidence(faultClass as 'D1', evidence)) as unknown as Record<string, unknown>
          for (const one of changes) mutate(value, one)
          let encoded: Hex
          try {
            if (signer !== 'none') await resign(value, signer === 'node' ? node() : world.stranger)
            encoded = encoders[faultClass]!(value as never)
          } catch {
            // Not even a value of its type.
            return
          }
          const answer = await agree(faultClass, encoded)
          said.set(answer, (said.get(answer) ?? 0) + 1)
        },
      ),
      { numRuns: 220, seed: 5 },
    )
    // Both answers, and refusals of many kinds, were really met.
    expect(said.get('yes') ?? 0).toBeGreaterThan(5)
    expect(said.size).toBeGreaterThan(10)
  })

  it('never of bytes that are not the one encoding, and never with a throw', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(samples.length - 1), fc.nat(4000), fc.nat(3), async (which, at, how) => {
        const { faultClass, evidence } = samples[which]!
        const place = 2 + (at % (evidence.length - 2))
        const bad = [
          flip(evidence, at),
          `${evidence}${'00'.repeat(32)}`,
          evidence.slice(0, place - (place % 2)),
          `${evidence.slice(0, 2)}${'ff'.repeat(32)}${evidence.slice(66)}`,
        ][how] as Hex
        if (buildProof(world.domain, faultClass, bad).ok) {
          const theirs = await verdict(faultClass, bad)
          if ('error' in theirs) expect(CHAIN_ONLY_ERRORS).toContain(theirs.error)
        }
      }),
      { numRuns: 150, seed: 5 },
    )
    for (const text of ['0x', '0x00', 'nothing', samples[0]!.evidence.toUpperCase()])
      expect(buildProof(world.domain, 'O1', text as Hex).ok).toBe(false)
    expect(buildProof(world.domain, 'O3', samples[0]!.evidence).ok).toBe(false)
    // The class is part of what is proven.
    expect(await agree('D1', samples[5]!.evidence)).not.toBe('yes')
  })
})
