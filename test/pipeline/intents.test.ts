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
  // What it may cost at most, and what it was called; the tip is in the log.
  variants: [{ hash: hash(9), maxFeePerGas: 1n, gasLimit: 3n }],
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
    expect(store.all().find(({ id }) => id === mined.id)).toStrictEqual(summary)
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

it('forgets the oldest that ended, never what is under way or young, and still finds them in the log', async () => {
  const DAY_MS = 86_400_000
  const log = await openProofLog({ folder: join(folder, 'old'), identity: 'me' }, { clock: systemClock })
  try {
    const store = await createIntentStore(log, { remembered: 2 })
    const at = (n: number, days: number, of: Intent): Intent => ({
      ...of,
      ...{ id: `${hash(n)}:reveal`, faultId: hash(n), atMs: days * DAY_MS },
    })
    const under = at(1, 0, signed)
    const old = [at(2, 0, mined), at(3, 0, mined), at(4, 0, mined)]
    for (const intent of [under, ...old]) await store.record(intent, { signal })
    expect(store.all().map(({ id }) => id)).toEqual([...old, under].map(({ id }) => id))
    const young = [at(5, 2.5, mined), at(6, 2.5, mined), at(7, 2.5, mined)]
    for (const intent of young) await store.record(intent, { signal })
    const left = [...young, under].map(({ id }) => id)
    expect(store.all().map(({ id }) => id)).toEqual(left)
    expect(await store.load(`${hash(2)}:reveal`)).toEqual(old[0])
    const again = await createIntentStore(log, { remembered: 2 })
    expect(again.all().map(({ id }) => id)).toEqual(left)
  } finally {
    await log.close()
  }
})
