import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { WindowRoot } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { CaseView } from '../../src/chain/types.ts'
import { createCourt } from '../../src/court/court.ts'
import { LOCAL_COURT } from '../../src/court/params.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createCaseReceipts } from '../../src/pipeline/case-receipts.ts'
import { createLedger, evidenceHashFor } from '../../src/pipeline/ledger.ts'
import { networkParams } from '../../src/pipeline/network.ts'
import { createStanding } from '../../src/pipeline/standing.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'
import { readReceiptLine } from '../../src/receipt/row.ts'
import { addressOf, DOMAIN, hash, signStruct } from '../helpers/fixtures.ts'
import { livepeerLine, node, type Row, row, WINDOW } from '../helpers/rows.ts'

const transcoder = addressOf(node)
let folder: string
let log: ProofLog
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fisherman-test-case-receipts-'))
  log = await openProofLog({ folder, identity: 'me' }, { clock: systemClock })
})
afterEach(async () => {
  await log.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A daemon that has just started, over the log of those before it. */
function started() {
  const ledger = createLedger()
  const warned: string[] = []
  const bench = {
    ...{ log, ledger, domain: DOMAIN, clock: systemClock, keepWindows: 225, params: networkParams('local') },
    logger: { warn: (message: string) => warned.push(message) },
    ...{ chain: { cases: () => [], nowSec: () => 0 }, court: createCourt(LOCAL_COURT) },
  } as unknown as Bench
  return { ledger, warned, standing: createStanding(bench), ...createCaseReceipts(bench) }
}

async function read({ ledger }: ReturnType<typeof started>, line: Row) {
  const window: WindowRoot = { transcoder, windowId: WINDOW, root: hash(8), count: 1, closedAt: 104n }
  const signed = { window, signature: await signStruct(node, 'WindowRoot', window), signer: transcoder }
  const receipt = readReceiptLine(DOMAIN, line)
  const shared = ledger.add({ feed: { transcoder, url: 'http://127.0.0.1:1' }, signed, receipts: [receipt] })
  shared.draw = {
    transcoder,
    windowId: WINDOW,
    beacon: hash(7),
    members: 5,
    receipts: [{ digest: receipt.digest, renditions: 2 }],
  }
  return ledger.receipt(receipt.digest)!
}

it('a receipt of a case is known after a restart as it was before, without its feed: the case can be voted on', async () => {
  const before = started()
  const known = await read(before, await row(1))
  known.window.late = true
  const view = { receiptDigest: known.receipt.digest, evidenceHash: evidenceHashFor(known, 1) } as CaseView
  await before.keep(known)
  const after = started()
  expect(after.standing.renditionOf(view)).toBeUndefined()
  await after.resume()
  expect(after.ledger.receipt(known.receipt.digest)).toEqual(known)
  expect(after.standing.renditionOf(view)).toBe(1)
})

it('of a stream that is private, and of an order of an unmodified gateway, nothing is lost', async () => {
  const before = started()
  const secret = await read(before, { ...(await livepeerLine()), private: true })
  await before.keep(secret)
  const after = started()
  await after.resume()
  expect(after.ledger.receipt(secret.receipt.digest)).toEqual(secret)
  expect(secret.receipt).toMatchObject({ isPrivate: true, segData: expect.any(String) })
})

it('is written down once, also by the next run, and again where that failed', async () => {
  const before = started()
  const known = await read(before, await row(1))
  const append = log.append.bind(log)
  log.append = async () => {
    throw new Error('no space left')
  }
  await expect(before.keep(known)).rejects.toThrow('no space left')
  log.append = append
  await Promise.all([before.keep(known), before.keep(known)])
  const after = started()
  await after.resume()
  await after.keep(after.ledger.receipt(known.receipt.digest)!)
  expect(await log.find({ kind: 'receipt' })).toHaveLength(1)
})

it('one that does not hold together is told and left out, and the others are known', async () => {
  const before = started()
  const [first, second] = [await read(before, await row(1)), await read(before, await row(2))]
  await log.append('receipt', { receiptDigest: first.receipt.digest, transcoder, row: {}, window: {} })
  await before.keep(second)
  const after = started()
  await after.resume()
  expect(after.warned).toEqual(['A receipt that was kept for a case cannot be read'])
  expect(after.ledger.receipt(second.receipt.digest)).toBeDefined()
})
