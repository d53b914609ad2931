import { readdirSync } from 'node:fs'
import { keccak256, verifyMessage } from 'ethers'
import { describe, expect, it } from 'vitest'
import { type Claim, checkEvidence, checkFraudProof } from '../../proofs/check.ts'
import {
  decodeDrawProof,
  decodeStatement,
  encodeStatement,
  STATEMENT_KINDS,
  type Statement,
  type StatementKind,
} from '../../proofs/codec.ts'
import { abiHash, digestOf, renditionLeaf, sampleIdOf, structHash } from '../../proofs/digest.ts'
import { structFromJson, structToJson } from '../../proofs/json.ts'
import { logLeaf, logRoot, verifyConsistency, verifyInclusion } from '../../proofs/log-tree.ts'
import { merkleRoot, merkleTree } from '../../proofs/merkle.ts'
import { livepeerOrder } from '../../proofs/segdata.ts'
import { hexToBytes, recoverAddress, signerOf } from '../../proofs/signature.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import type { Hex, StructName } from '../../proofs/types.ts'
import { verifyDraw } from '../../src/attest/bls.ts'
import { createTopics, messageIdOf } from '../../src/gossip/topics.ts'
import { checkDrawProof, type DrawWindow } from '../../src/sample/draw.ts'
import { PUBLIC_DRAW } from '../../src/sample/params.ts'
import { vectorFiles } from '../vectors/all.ts'
import type { BadCase } from '../vectors/bad-bytes.ts'
import { DOMAIN, toHex } from '../vectors/common.ts'
import { bundleChecks, firstBadEntry, readVectors, refusalOf, vectorText } from '../vectors/read.ts'

// What another implementation must agree with, bit for bit. A change here breaks everybody who signed before: it needs a new domain.

const made = await vectorFiles()
/** Made from real footage, and by the definition of the fingerprint; other tests read them. */
const OTHERS = ['fingerprint.json', 'media.json']

describe('the committed vectors', () => {
  it.each([...made])('are what the code makes: %s', (name, text) => {
    expect(vectorText(name) === text, `proofs/vectors/${name} differs; where something was added, run npm run vectors`).toBe(true)
  })

  it('are all there, and no others', () => {
    const folder = new URL('../../proofs/vectors', import.meta.url)
    expect(readdirSync(folder).sort()).toEqual([...made.keys(), ...OTHERS].sort())
  })
})

interface StructVector {
  value: unknown
  structHash: Hex
  digest: Hex
  type: string
  typeHash: Hex
  abi: Hex
  signature: Hex
  signer: Hex
}

describe('formats', () => {
  const formats = readVectors<{
    structs: Record<string, StructVector>
    recipes: { types: string[]; values: string[]; hash: Hex }[]
  }>('formats.json')

  it.each(Object.keys(STRUCTS) as StructName[])('%s: fields, hashes and signature', (name) => {
    const vector = formats.structs[name] as StructVector
    const value = structFromJson(name, vector.value)
    expect(structToJson(name, value)).toEqual(vector.value)
    expect(structHash(name, value)).toBe(vector.structHash)
    expect(keccak256(`${vector.typeHash}${vector.abi.slice(2)}`)).toBe(vector.structHash)
    expect(keccak256(Buffer.from(vector.type))).toBe(vector.typeHash)
    expect(digestOf(DOMAIN, name, value)).toBe(vector.digest)
    expect(recoverAddress(vector.digest, vector.signature)).toBe(vector.signer)
  })

  it('ids follow their recipes', () => {
    for (const { types, values, hash } of formats.recipes) expect(abiHash(types, values)).toBe(hash)
  })
})

interface StatementVector {
  kind: StatementKind
  struct: StructName
  bytes: Hex
  body: unknown
  signer: Hex
  extra: Hex
  signature: Hex
  digest: Hex
  id: Hex
  topic: string
  messageId: Hex
}

describe('statements', () => {
  const file = readVectors<{ verdictVersion: number; digest: string; stableDigest: string; statements: StatementVector[] }>(
    'statements.json',
  )

  it('are there in every kind', () => {
    expect(file.statements.map(({ kind }) => kind)).toEqual(STATEMENT_KINDS)
  })

  it.each(file.statements)('$kind: bytes, digest, signer, topic and ids', (vector) => {
    const bytes = hexToBytes(vector.bytes)
    const statement = decodeStatement(vector.kind, bytes)
    const { kind, signer, extra, signature } = vector
    expect(statement).toEqual({ kind, body: structFromJson(vector.struct, vector.body), signer, extra, signature })
    expect(encodeStatement(statement)).toEqual(bytes)
    expect(digestOf(DOMAIN, vector.struct, statement.body as never)).toBe(vector.digest)
    expect(signerOf(DOMAIN, vector.struct, statement.body as never, signature)).toBe(signer)
    expect(keccak256(bytes)).toBe(vector.id)
    const topics = createTopics(DOMAIN, file.verdictVersion)
    expect(topics).toMatchObject({ digest: file.digest, stableDigest: file.stableDigest })
    expect(topics.topicOf(kind)).toBe(vector.topic)
    expect(toHex(messageIdOf(vector.topic, bytes))).toBe(vector.messageId)
  })
})

interface TreeVector {
  leaves: Hex[]
  root: Hex
  proofs: Hex[][]
}

describe('trees', () => {
  const { windows, renditions } = readVectors<{ windows: TreeVector[]; renditions: TreeVector & { values: unknown[] } }>(
    'merkle.json',
  )

  it('of windows and renditions', () => {
    expect(renditions.values.map((value) => renditionLeaf(structFromJson('Rendition', value)))).toEqual(renditions.leaves)
    for (const { leaves, root, proofs } of [...windows, renditions]) {
      expect(merkleTree(leaves).root).toBe(root)
      leaves.forEach((leaf, i) => {
        expect(merkleRoot(leaf, proofs[i] as Hex[])).toBe(root)
      })
    }
  })

  it('of a log', () => {
    const log = readVectors<{
      entries: string[]
      leaves: Hex[]
      roots: Hex[]
      pruned: { seq: number; text: string; leaf: Hex }
      inclusion: { index: number; size: number; path: Hex[] }[]
      consistency: { oldSize: number; size: number; path: Hex[] }[]
    }>('log.json')
    const { entries, leaves, roots } = log
    expect(entries.map((text) => logLeaf(Buffer.from(text)))).toEqual(leaves)
    expect(firstBadEntry(entries)).toBeUndefined()
    expect(firstBadEntry(entries.map((text, i) => (i === log.pruned.seq ? log.pruned.text : text)))).toBeUndefined()
    roots.forEach((root, size) => {
      expect(logRoot(leaves.slice(0, size))).toBe(root)
    })
    for (const { index, size, path } of log.inclusion)
      expect(verifyInclusion(leaves[index] as Hex, index, size, path, roots[size] as Hex)).toBe(true)
    for (const { oldSize, size, path } of log.consistency)
      expect(verifyConsistency(oldSize, size, roots[oldSize] as Hex, roots[size] as Hex, path)).toBe(true)
  })
})

it('draws: who checks what, from the beacon and a signature', () => {
  const file = readVectors<{
    window: Omit<DrawWindow, 'windowId'> & { windowId: string }
    publicKey: Hex
    bls: Hex
    params: { samplesPerDay: number }
    places: { index: number; rendition: number; sampleId: Hex; selected: boolean; tranche: number | null }[]
    drawn: { sampleId: Hex; tranche: number; proof: Hex }[]
  }>('draw.json')
  const window = { ...file.window, windowId: BigInt(file.window.windowId) }
  const params = { ...PUBLIC_DRAW, samplesPerDay: file.params.samplesPerDay }
  expect(file.drawn.length).toBeGreaterThan(0)
  const drawn = file.places.filter(({ selected, tranche }) => selected && tranche !== null)
  expect(drawn.map(({ sampleId }) => sampleId)).toEqual(file.drawn.map(({ sampleId }) => sampleId))
  for (const { index, rendition, sampleId } of file.places)
    expect(sampleIdOf(window.receipts[index]?.digest as Hex, rendition, window.windowId)).toBe(sampleId)
  for (const { sampleId, tranche, proof } of file.drawn) {
    const verify = (message: Hex, signature: Hex) => verifyDraw(message, signature, file.publicKey)
    expect(checkDrawProof(params, window, sampleId, decodeDrawProof(proof), verify)).toBe(tranche)
  }
})

interface ProofVector {
  name: string
  claim: Claim
  evidence: Hex
  accusedSigners: Hex[]
  voters: Hex[]
  statement: Hex | null
}

describe('evidence', () => {
  const { proofs } = readVectors<{ proofs: ProofVector[] }>('evidence.json')

  it.each(proofs)('$name is a proof, and so is its report', ({ claim, evidence, accusedSigners, voters, statement }) => {
    const valid = { valid: true, accusedSigners, voters }
    expect(checkEvidence(DOMAIN, claim, evidence)).toEqual(valid)
    if (statement === null) return
    const report = decodeStatement('fraud-proof', hexToBytes(statement)) as Statement<'fraud-proof'>
    expect(report.extra).toBe(evidence)
    expect(checkFraudProof(DOMAIN, report)).toEqual(valid)
  })
})

it.each(['media', 'livepeer', 'objective'])('a bundle of %s holds, and is these bytes', (name) => {
  const vector =
    readVectors<Record<string, { json: Record<string, unknown>; texts: Record<string, string>; media: Record<string, Hex> }>>(
      'bundle.json',
    )[name]
  if (!vector) throw new Error('no such bundle')
  expect(bundleChecks(vector.json, vector.media).filter(({ holds }) => !holds)).toEqual([])
  for (const [file, text] of Object.entries(vector.texts)) expect(JSON.parse(text)).toEqual(vector.json[file])
})

interface LivepeerVector {
  name: string
  segData: Hex
  transcoder: Hex
  signed: Hex
  signature: Hex
  names: string[]
  profiles: unknown[]
  order: unknown
  orderHash: Hex
}

describe("orders of Livepeer's gateways", () => {
  const { orders } = readVectors<{ orders: LivepeerVector[] }>('livepeer.json')

  it.each(orders)('$name', (vector) => {
    const bytes = hexToBytes(vector.segData)
    const made = livepeerOrder(DOMAIN, { segData: bytes, transcoder: vector.transcoder })
    expect(structToJson('TranscodeOrder', made.order)).toEqual(vector.order)
    expect(made.profiles.map((profile) => structToJson('Profile', profile))).toEqual(vector.profiles)
    expect(made.orderHash).toBe(vector.orderHash)
    expect(made.signature).toBe(vector.signature)
    expect(digestOf(DOMAIN, 'TranscodeOrder', structFromJson('TranscodeOrder', vector.order))).toBe(vector.orderHash)
    expect(made.order.nonce).toBe(keccak256(bytes))
    // ethers' own personal signature: who made it is not read by our code alone.
    expect(verifyMessage(hexToBytes(keccak256(vector.signed) as Hex), vector.signature).toLowerCase()).toBe(made.order.requester)
  })

  it('are of another node where another node got them, and of nobody where a signed byte differs', () => {
    const [{ segData, transcoder }] = orders as [LivepeerVector]
    const made = livepeerOrder(DOMAIN, { segData: hexToBytes(segData), transcoder })
    const elsewhere = livepeerOrder(DOMAIN, { segData: hexToBytes(segData), transcoder: `0x${'77'.repeat(20)}` })
    expect(elsewhere.orderHash).not.toBe(made.orderHash)
    expect({ ...elsewhere.order, transcoder }).toEqual(made.order)
    const name = Buffer.from(hexToBytes(segData))
    name[name.indexOf('240p0')] = 0x33
    let requester: Hex | undefined
    try {
      requester = livepeerOrder(DOMAIN, { segData: name, transcoder }).order.requester
    } catch {}
    expect(requester).not.toBe(made.order.requester)
  })
})

describe('bad vectors', () => {
  const { cases } = readVectors<{ cases: BadCase[] }>('bad.json')

  it('have each a name of their own', () => {
    expect(new Set(cases.map(({ name, what }) => `${what} ${name}`)).size).toBe(cases.length)
  })

  it.each(cases)('$what: $name is refused', (item) => {
    const reason = refusalOf(item)
    expect(reason, 'it is taken').toBeDefined()
    expect(reason).toMatch(new RegExp(item.reason))
  })
})
