import { ContractFactory, type InterfaceAbi } from 'ethers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { encodePassThrough } from '../../proofs/evidence.ts'
import { structFromJson } from '../../proofs/json.ts'
import type { Hex, StructName } from '../../proofs/types.ts'
import type { BadCase } from '../vectors/bad-bytes.ts'
import { DOMAIN, members } from '../vectors/common.ts'
import type { Proof } from '../vectors/evidence.ts'
import { readVectors } from '../vectors/read.ts'
import { artifacts, createWorld, type World } from './world.ts'

// The golden vectors, read by the contracts: a chain of their chain id, the anchor's code at their anchor, their voters as members.

let world: World
beforeAll(async () => {
  world = await createWorld({ roundSec: 3600 }, { chainId: DOMAIN.chainId, fishermen: members })
  const { provider, deployment } = world
  await provider.send('anvil_setCode', [DOMAIN.anchor, await provider.getCode(deployment.anchor)])
  const { abi, bytecode } = artifacts.contracts.FaultVerifier as { abi: InterfaceAbi; bytecode: Hex }
  // Vectors are of no time: what is too old is a matter of the chain and tested beside it.
  const forever = 2n ** 60n
  const wiring = [DOMAIN.anchor, deployment.delegation, deployment.rounds, deployment.registry, forever]
  const { data } = await new ContractFactory(abi, bytecode).getDeployTransaction(...wiring)
  const from = world.wallets[0]!
  const hash = await provider.send('eth_sendTransaction', [{ from: from.address, data }])
  // A node answers the one before it has the other.
  const { contractAddress } = await vi.waitFor(async () => {
    const receipt: { contractAddress: Hex } | null = await provider.send('eth_getTransactionReceipt', [hash])
    if (!receipt) throw new Error('not mined yet')
    return receipt
  })
  world.deployment = { ...deployment, anchor: DOMAIN.anchor, faultVerifier: contractAddress }
  Object.assign(deployment, { anchor: DOMAIN.anchor, faultVerifier: contractAddress })
})
afterAll(() => world?.stop())

const isVoted = (faultClass: number) => faultClass >= 17
const check = (faultClass: number, evidence: Hex) =>
  world.why('faultVerifier', isVoted(faultClass) ? 'checkConviction' : 'checkObjective', [faultClass, evidence])

describe('the contracts agree with the golden', () => {
  const formats = readVectors<{
    domainSeparator: Hex
    ids: Record<string, Hex>
    structs: Record<string, { value: unknown; digest: Hex }>
    keys: { address: Hex }[]
  }>('formats.json')

  it('domain', async () => {
    expect(await world.view('anchor', 'domainSeparator', [])).toBe(formats.domainSeparator)
  })

  it.each(Object.entries(formats.structs))('digest of %s', async (name, { value, digest }) => {
    expect(await world.view('anchor', `digest${name}`, [structFromJson(name as StructName, value)])).toBe(digest)
  })

  it('ids', async () => {
    const word = (n: number) => `0x${n.toString(16).padStart(64, '0')}`
    const [node, fisherman] = formats.keys.map(({ address }) => address)
    const { ids } = formats
    expect(await world.view('anchor', 'sampleId', [word(1), 2, 3])).toBe(ids.sampleId)
    expect(await world.view('anchor', 'evidenceHash', [word(1), 2, word(3), word(4), word(5), 6])).toBe(ids.evidenceHash)
    expect(await world.view('anchor', 'faultId', [3, node, word(1)])).toBe(ids.faultIdO3)
    expect(await world.view('anchor', 'faultId', [18, node, word(1)])).toBe(ids.faultIdD2)
    expect(await world.view('anchor', 'faultId', [1, node, word(1)])).toBe(ids.equivocationId)
    expect(await world.view('anchor', 'workCommit', [fisherman, word(1)])).toBe(ids.workCommit)
  })

  it('leaves', async () => {
    const { renditions } = readVectors<{ renditions: { values: unknown[]; leaves: Hex[] } }>('merkle.json')
    for (const [i, value] of renditions.values.entries())
      expect(await world.view('anchor', 'leafRendition', [structFromJson('Rendition', value)])).toBe(renditions.leaves[i])
  })
})

describe('of evidence the verifier', () => {
  const { proofs } = readVectors<{ proofs: Proof[] }>('evidence.json')

  it.each(proofs)(
    'takes what only the chain can refuse: $name',
    async ({ claim, evidence, contract, accusedSigners, voters }) => {
      expect(await check(claim.faultClass, evidence)).toBe(contract)
      if (contract !== 'ok') return
      expect(accusedSigners.every((signer) => signer === claim.transcoder)).toBe(true)
      const isD = isVoted(claim.faultClass)
      expect(voters).toHaveLength(isD ? 3 : 0)
      const result = await world.view('faultVerifier', isD ? 'checkConviction' : 'checkObjective', [claim.faultClass, evidence])
      const fault = (isD ? (result as unknown[])[0] : result) as Record<string, string>
      expect({ faultId: fault.faultId, transcoder: fault.transcoder?.toLowerCase(), receiptDigest: fault.receiptDigest }).toEqual(
        {
          ...{ faultId: claim.faultId, transcoder: claim.transcoder, receiptDigest: claim.receiptDigest },
        },
      )
    },
  )

  const { cases } = readVectors<{ cases: BadCase[] }>('bad.json')
  const evidences = cases.filter(({ what }) => what === 'evidence')

  it.each(evidences)('says $contract of $name', async ({ claim, evidence, contract }) => {
    const { faultClass } = claim as Proof['claim']
    const said = await check(faultClass, evidence as Hex)
    expect(said).toBe(contract)
  })

  // A signature is looked at in place: over the receipt of the example, in the evidence of O3.
  it('refuses every signature that recovers nobody', async () => {
    const { receipt, renditions } = readVectors<{
      receipt: { value: unknown; signature: Hex }
      renditions: { value: unknown; path: Hex[] }[]
    }>('example.json')
    const value = structFromJson('TranscodeReceipt', receipt.value)
    const rendition = structFromJson('Rendition', renditions[1]?.value)
    const at = (signature: Hex) =>
      check(3, encodePassThrough({ signed: { receipt: value, signature }, rendition, path: renditions[1]?.path as Hex[] }))
    expect(await at(receipt.signature)).toBe('ok')
    const bad = cases.filter(({ what, name }) => what === 'signature' && name !== 'upper-case hex')
    expect(bad.length).toBeGreaterThan(10)
    for (const { name, signature, recovered } of bad)
      expect(await at(signature as Hex), name).toBe(recovered === null ? 'BadSignature' : 'NotSigner')
  })
})
