import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'
import { flatten } from '../../proofs/segdata.ts'
import type { Hex } from '../../proofs/types.ts'
import { createSigner } from '../../src/attest/keys.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { DEFAULT_LADDER } from '../../src/devnet/ladder.ts'
import { signLivepeer } from '../../src/livepeer/signing.ts'
import type { SegData } from '../../src/livepeer/types.ts'
import { writeSegData, writeTranscodeResult } from '../../src/livepeer/write.ts'
import { readWindowLine } from '../../src/receipt/row.ts'
import type { Sidecar } from '../../src/sidecar/sidecar.ts'
import { GATEWAY, type TestLedger } from '../devnet/orchestrators.ts'
import { wallet } from '../helpers/fixtures.ts'
import type { FakeNode } from './node.ts'

// A gateway in front of the sidecar, and what the node behind it answers.

export const NODE = createSigner(wallet(70))
export const PUBLIC = new URL('http://node.example:8935')
export const LADDER = DEFAULT_LADDER.map((profile, i) => ({ ...profile, name: `rung-${i}` }))
/** Where the node's renditions lie. */
export const PATHS = ['/stream/5e55/rung-0/7.ts', '/stream/5e55/rung-1/7.ts']
export const INFO = {
  ...{ transcoder: '', ticketParams: undefined, price: undefined, address: NODE.address, capabilities: undefined },
  ...{ authToken: undefined, storage: [], capabilityPrices: [], nodes: ['https://other.example:8935/x'] },
}

/** From now on the node answers with these renditions, at its own addresses. */
export function work(node: FakeNode, made: readonly Buffer[], seq = 7): void {
  const paths = PATHS.map((path) => path.replace('7.ts', `${seq}.ts`))
  paths.forEach((path, i) => void node.files.set(path, made[i] as Buffer))
  const segments = paths.map((path) => ({ url: `${node.origin}${path}`, pixels: 1n, perceptualHashUrl: '' }))
  const info = { ...INFO, transcoder: node.origin }
  node.result = Buffer.from(
    writeTranscodeResult({ seq: 7n, error: undefined, data: { segments, sig: new Uint8Array(65) }, info }),
  )
}

/** Headers of a signed segment. */
export async function headersOf(source: Buffer, changes: Partial<SegData> = {}): Promise<Record<string, string>> {
  const parts = { manifestId: Buffer.from('stream-1'), seq: changes.seq ?? 7n, hash: await keccakOf(source), profiles: LADDER }
  const signer = { address: GATEWAY.address, signMessage: async (m: Uint8Array) => (await wallet(40).signMessage(m)) as Hex }
  const segData = writeSegData({
    ...{ ...parts, sig: await signLivepeer(signer, flatten(parts)), durationMs: 2_000, capabilities: undefined },
    ...{ authToken: undefined, calcPerceptualHash: false, storage: [], slice: undefined, forceSessionReinit: false },
    ...changes,
  })
  return { 'livepeer-segment': Buffer.from(segData).toString('base64'), 'livepeer-payment': '' }
}

/** Sends a segment and returns the answer. */
export async function push(sidecar: Sidecar, source: Buffer, changes?: Partial<SegData>): Promise<Buffer> {
  const headers = await headersOf(source, changes)
  const response = await fetch(`${sidecar.url}/segment`, { method: 'POST', headers, body: new Uint8Array(source) })
  expect(response.status).toBe(200)
  return Buffer.from(await response.arrayBuffer())
}

export async function until(condition: () => boolean | Promise<boolean>, what: () => unknown = () => ''): Promise<void> {
  for (const end = Date.now() + 15_000; !(await condition()); await wait(10))
    if (Date.now() > end) throw new Error(`did not come: ${condition}; ${JSON.stringify(what())}`)
}

/** The first window that holds so many receipts, once its time is over. */
export async function firstWindow(sidecar: Sidecar, ledger: TestLedger, count = 1) {
  ledger.set(1_000_008n)
  let text = ''
  await until(async () => {
    text = await (await fetch(`${sidecar.url}/fisherman/v1/windows?after=0`)).text()
    return text.includes(`"count":${count}`)
  })
  const signed = text
    .split('\n')
    .filter(Boolean)
    .map((line) => readWindowLine(JSON.parse(line)))
    .find(({ window }) => window.count === count)
  if (!signed) throw new Error(`no window with ${count} receipts: ${text}`)
  return signed
}
