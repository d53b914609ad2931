import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf, profilesHashOf, ZERO_HASH } from '../../proofs/digest.ts'
import { structFromJson, structToJson } from '../../proofs/json.ts'
import type { Hex, Profile, Rendition, TranscodeOrder, TranscodeReceipt, WindowRoot } from '../../proofs/types.ts'
import { createSigner, type Signer } from '../../src/attest/keys.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { DEFAULT_LADDER } from '../../src/devnet/ladder.ts'
import { createOrchestrator, type Orchestrator, type OrchestratorInit } from '../../src/devnet/orchestrator.ts'
import { encodeOrder } from '../../src/devnet/orders.ts'
import type { Behaviour } from '../../src/devnet/work.ts'
import { encodeAuth } from '../../src/feed/auth.ts'
import type { Ledger } from '../../src/feed/ledger.ts'
import { DOMAIN, hash, wallet } from '../helpers/fixtures.ts'

export const SILENT = { debug() {}, info() {}, warn() {}, error() {} }
export const GATEWAY = createSigner(wallet(40))
export const MEMBER = createSigner(wallet(41))
export const STRANGER = createSigner(wallet(42))

/** A chain whose time the test moves; windows of 4 s. */
export interface TestLedger extends Ledger {
  set(seconds: bigint): void
}

export function testLedger(start = 1_000_002n): TestLedger {
  let now = start
  return {
    domain: DOMAIN,
    windowSeconds: 4,
    now: () => now,
    round: () => 7n,
    isMember: (address) => address === MEMBER.address,
    set(seconds) {
      now = seconds
    },
  }
}

export interface Bench {
  node: Orchestrator
  signer: Signer
  ledger: TestLedger
  /** Sends a segment with a good order, changed as asked. */
  send(body: Buffer, changes?: OrderChanges): Promise<{ status: number; json: Answer }>
  /** Moves chain time past the end of the current window and waits for its signed root. */
  closeWindow(): Promise<WindowLine>
  lines(windowId: bigint, query?: string): Promise<Line[]>
  blob(
    contentHash: Hex,
    options?: { as?: Signer; transcoder?: Hex; expiresAt?: bigint; headers?: Record<string, string> },
  ): Promise<Response>
  stop(): Promise<void>
}

export interface OrderChanges {
  order?: Partial<TranscodeOrder>
  by?: Signer
  profiles?: readonly Profile[]
}

export interface Answer {
  error?: string
  receipt: Record<string, unknown>
  sig: Hex
  renditions: { url: string; contentHash: Hex }[]
}

export interface WindowLine {
  window: WindowRoot
  sig: Hex
}

export interface Line {
  cursor: string
  order: TranscodeOrder
  orderSig: Hex
  receipt: TranscodeReceipt
  sig: Hex
  profiles: Profile[]
  renditions: Rendition[]
}

let wallets = 50

export async function bench(behaviour: Behaviour, changes: Partial<OrchestratorInit> = {}): Promise<Bench> {
  const dataDir = await mkdtemp(join(tmpdir(), 'fisherman-test-'))
  const ledger = testLedger()
  const signer = createSigner(wallet(wallets++))
  const node = await createOrchestrator(
    {
      ...{ behaviour, dataDir, host: '127.0.0.1', port: 0, maxSegmentBytes: 2_000_000 },
      ...{ retention: { windows: 100, bytes: 100_000_000 }, rate: { perSecond: 100, burst: 100 }, ...changes },
    },
    { signer, ledger, log: SILENT },
  )
  // The window in which the node started is left out.
  ledger.set(1_000_004n)
  let seq = 0n
  const self: Bench = {
    node,
    signer,
    ledger,
    async send(body, { order: override = {}, by = GATEWAY, profiles = DEFAULT_LADDER } = {}) {
      const order: TranscodeOrder = {
        ...{ requester: by.address, transcoder: signer.address, streamId: hash(11), seq, sourceHash: await keccakOf(body) },
        ...{ sourceBytes: BigInt(body.length), profilesHash: profilesHashOf(profiles), sourceFingerprintRoot: ZERO_HASH },
        ...{ sessionId: hash(12), nonce: hash(1000 + Number(seq)), issuedAt: ledger.now(), expiresAt: ledger.now() + 60n },
        ...override,
      }
      seq++
      const header = encodeOrder({
        order: structToJson('TranscodeOrder', order),
        orderSig: await by.signStruct(DOMAIN, 'TranscodeOrder', order),
        profiles: profiles.map((profile) => structToJson('Profile', profile)),
      })
      const response = await fetch(`${node.url}/segment`, {
        method: 'POST',
        headers: { 'fisherman-order': header, 'content-type': 'video/mp2t' },
        body: Uint8Array.from(body),
      })
      return { status: response.status, json: (await response.json()) as Answer }
    },
    async closeWindow() {
      const windowId = ledger.now() / 4n
      ledger.set((windowId + 1n) * 4n)
      for (let tries = 0; tries < 100; tries++) {
        const text = await (await fetch(`${node.url}/fisherman/v1/windows?after=${windowId - 1n}`)).text()
        const line = text.split('\n')[0]
        if (line) {
          const json = JSON.parse(line) as { window: unknown; sig: Hex }
          return { window: structFromJson('WindowRoot', json.window), sig: json.sig }
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error(`window ${windowId} was not closed`)
    },
    async lines(windowId, query = '') {
      const text = await (await fetch(`${node.url}/fisherman/v1/receipts?window=${windowId}${query}`)).text()
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => readLine(JSON.parse(line)))
    },
    async blob(contentHash, { as = MEMBER, transcoder = signer.address, expiresAt = ledger.now() + 60n, headers = {} } = {}) {
      const signature = await as.signStruct(DOMAIN, 'BlobRequest', { transcoder, contentHash, expiresAt })
      return fetch(`${node.url}/fisherman/v1/blobs/${contentHash}`, {
        headers: { 'fisherman-auth': encodeAuth(as.address, expiresAt, signature), ...headers },
      })
    },
    async stop() {
      await node.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
  return self
}

function readLine(json: Record<string, unknown>): Line {
  return {
    cursor: json.cursor as string,
    order: structFromJson('TranscodeOrder', json.order),
    orderSig: json.orderSig as Hex,
    receipt: structFromJson('TranscodeReceipt', json.receipt),
    sig: json.sig as Hex,
    profiles: (json.profiles as unknown[]).map((profile) => structFromJson('Profile', profile)),
    renditions: (json.renditions as unknown[]).map((leaf) => structFromJson('Rendition', leaf)),
  }
}

export function orderHashOf(order: TranscodeOrder): Hex {
  return digestOf(DOMAIN, 'TranscodeOrder', order)
}
