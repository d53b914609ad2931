import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Intent } from '../../src/chain/types.ts'
import { createIntentStore } from '../../src/pipeline/intents.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const signal = new AbortController().signal
let folder: string
let log: ProofLog
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-intents-'))
})
afterAll(async () => {
  await log?.close()
  await rm(folder, { recursive: true, force: true })
})

const intended: Intent = {
  ...{ id: `${hash(1)}:reveal`, faultId: hash(1), action: 'reveal', state: 'intended', to: addressOf(wallet(1)), data: '0x1234' },
  ...{ variants: [], atMs: 5, bond: 7n },
}
const signed: Intent = {
  ...intended,
  ...{ state: 'signed', nonce: 3 },
  variants: [{ hash: hash(9), raw: '0xabcd', maxFeePerGas: 1n, maxPriorityFeePerGas: 2n, gasLimit: 3n }],
}
const mined: Intent = { ...signed, state: 'mined', spent: 11n, minedIn: 12n }
const { data: _, ...rest } = mined
const summary = {
  ...rest,
  variants: [{ hash: hash(9), maxFeePerGas: 1n, maxPriorityFeePerGas: 2n, gasLimit: 3n }],
}

it('holds no bytes of what has ended, and finds them in the log, also after a restart', async () => {
  const open = async () => await openProofLog({ folder: join(folder, 'log'), identity: 'me' }, { clock: systemClock })
  log = await open()
  let store = await createIntentStore(log)
  const other: Intent = { ...intended, id: `${hash(1)}:commit`, action: 'commit', salt: hash(4) }
  for (const intent of [intended, other, signed]) {
    await store.record(intent, { signal })
    expect(await store.load(intent.id)).toEqual(intent)
  }
  await store.record(mined, { signal })
  for (let i = 0; i < 2; i++) {
    expect(store.all()).toContainEqual(summary)
    expect(store.all()).toHaveLength(2)
    expect(await store.load(mined.id)).toEqual(mined)
    expect(await store.load(other.id)).toEqual(other)
    expect(await store.load('nothing')).toBeUndefined()
    await log.close()
    log = await open()
    store = await createIntentStore(log)
  }
  // A block that was taken back makes it signed again.
  await store.record(signed, { signal })
  expect(await store.load(mined.id)).toEqual(signed)
})
