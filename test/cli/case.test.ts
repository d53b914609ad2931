import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keccak256, type Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { objectiveInputFiles } from '../../proofs/bundle.ts'
import { encodeStatement } from '../../proofs/codec.ts'
import { digestOf, objectiveEvidenceHash } from '../../proofs/digest.ts'
import { FAULT_CLASSES, type FaultClass, type Hex } from '../../proofs/types.ts'
import { buildProof } from '../../src/chain/proof.ts'
import { addressOf } from '../../src/chain/setup.ts'
import { writeBundle } from '../../src/prooflog/bundle.ts'
import { plainJson } from '../../src/prooflog/entry.ts'
import { accused, equivocation, opening, passThrough, sign, type World } from '../chain/world.ts'
import { type CliFolder, createCliWorld, refused, withLimits } from './site.ts'

let world: World
let folder: CliFolder
let at: string[]
let hunter: string[]
beforeAll(async () => {
  ;({ world, folder, at } = await createCliWorld())
  hunter = [...at, ...(await folder.key(world.fishermen[0] as Wallet, 'hunter')), '--yes']
})
afterAll(async () => {
  await folder?.remove()
  await world?.stop()
})

/** While it works a block is a second after the one before, however long the commands take: windows of the local chain last seconds. */
async function unhurried(work: () => Promise<void>): Promise<void> {
  await world.provider.send('anvil_setBlockTimestampInterval', [1])
  await work().finally(() => world.provider.send('anvil_removeBlockTimestampInterval', []))
}
const cases = (...args: string[]) => folder.fisherman('case', ...args)
const node = (i: number) => world.orchestrators[i] as Wallet
/** O1 as proofs have it: the receipts in the order of their digests. */
async function equivocal(by: Wallet): Promise<Hex> {
  for (;;) {
    const { evidence } = await equivocation(world, by)
    if (buildProof(world.domain, 'O1', evidence).ok) return evidence
  }
}
/** Anvil makes a block for each transaction only: time passes by itself where nobody sends. */
const ticking = async <T>(work: Promise<T>): Promise<T> => {
  const timer = setInterval(() => void world.mine(), 500)
  return work.finally(() => clearInterval(timer))
}

function claimOf(faultClass: FaultClass, evidence: Hex) {
  const proof = buildProof(world.domain, faultClass, evidence)
  if (!proof.ok) throw new Error(proof.reason)
  return proof.claim
}

async function bundleOf(name: string, faultClass: FaultClass, evidence: Hex, domain = world.domain): Promise<string> {
  const { faultId, transcoder, receiptDigest } = claimOf(faultClass, evidence)
  const evidenceHash = objectiveEvidenceHash(faultClass, evidence)
  const inputs = objectiveInputFiles({ domain, evidenceHash, faultClass, faultId, transcoder, receiptDigest, evidence })
  const parts = Object.fromEntries(Object.entries(inputs).map(([part, json]) => [part, { json: plainJson(json) }]))
  await writeBundle(join(folder.path, name), { inputs: parts, notes: {} })
  return name
}

describe('fisherman case', () => {
  it('brings the bundle of an O class, shows it, waits for the appeal window and settles', async () => {
    const { evidence, faultId } = await passThrough(world, node(0))
    const file = await bundleOf('o3.fishbundle', 'O3', evidence)
    const dry = await cases('submit', file, ...hunter, '--dry-run')
    expect(dry).toMatchObject({ code: 0, err: '' })
    expect(dry.out).toMatch(
      /^This proves O3 against 0x.*, fault 0x.*\.\nIt has a deposit of 1000 LPT; the class takes up to 30 LPT.*\nThe chain would take it\. Nothing was sent\.\n$/,
    )
    const ran = await ticking(cases('submit', file, ...hunter))
    expect(ran).toMatchObject({ code: 0, err: '' })
    expect(ran.out).toMatch(
      /commit +0x[0-9a-f]{64}\nreveal +0x[0-9a-f]{64}\nConvicted: 30 LPT were taken from 0x.*, \d{6} gas\.\n$/,
    )
    expect(refused(await cases('submit', file, ...hunter))).toMatch(
      /this fault was brought already, its case is convicted; type fisherman case show 0x/,
    )

    const list = await cases('ls', ...at)
    expect(list.out).toMatch(
      new RegExp(`^fault .*\\n${faultId} +O3 +convicted +0x.* +30 LPT +20\\d\\d-.* can be settled in \\d s, on`),
    )
    expect(refused(await cases('settle', faultId, ...hunter))).toMatch(
      /this case can be settled in \d s, on 20.* UTC: until then it may be appealed/,
    )
    expect(refused(await cases('expire', faultId, ...hunter))).toMatch(/a case that is convicted cannot be expired/)
    await world.pass(9)
    // Anybody may: paid by the sender of a configuration whose key is not even there.
    const [rpc, deployment] = [at[1], at[3]]
    const files = (name: string) => `{ file: ${name}.json, passwordFile: password }`
    const config = `rpc: [${rpc}]\ndeployment: ${deployment}\nkey: ${files('nowhere')}\nsender: ${files('hunter')}\n`
    const sending = ['--config', await folder.file('sender.yaml', config), '--yes']
    expect((await cases('settle', faultId, ...sending)).out).toMatch(/pays out 30 LPT that were taken from 0x.*\nsettle +0x/)
    const shown = await cases('show', faultId, ...at)
    expect(shown.out).toMatch(/^state +settled$/m)
    expect(shown.out).toMatch(/UTC {2}0x[0-9a-f]{64} {2}convicted, 30 LPT taken; finder 0x/)
    expect(shown.out).toMatch(/UTC {2}0x[0-9a-f]{64} {2}settled, 3 LPT to the finder, 27 LPT to the treasury/)
    expect((await cases('ls', ...at, '--state', 'open')).out).toBe('There are no such cases.\n')
    const json = JSON.parse((await cases('show', faultId, ...at, '--json')).out)
    expect(json).toMatchObject({ faultId, state: 'settled', amount: '30000000000000000000' })
    expect(json.events.map((event: { name: string }) => event.name)).toEqual(['Convicted', 'Held', 'Settled'])
  })

  it('goes on with the commitment of a command that was broken off', async () => {
    const evidence = await equivocal(node(1))
    const file = await folder.file('o1.json', JSON.stringify({ faultClass: 'O1', evidence }))
    const count = async () =>
      Number(await world.provider.send('eth_getTransactionCount', [(world.fishermen[0] as Wallet).address, 'latest']))
    const before = await count()
    // No block comes by itself, so the commitment never gets old enough before the kill.
    await folder.killed(async () => (await count()) > before, 'case', 'submit', file, ...hunter)
    await world.pass(3)
    const ran = await cases('submit', file, ...hunter)
    expect(ran.out).toMatch(/commit +is there from before\nreveal +0x/)
    expect(await count()).toBe(before + 2)
  })

  it('brings a fraud proof as it travels by gossip', async () => {
    const evidence = await equivocal(node(2))
    const claim = claimOf('O1', evidence)
    const reporter = world.fishermen[2] as Wallet
    const body = { ...claim, reporter: addressOf(reporter), observedAt: 1n, expiresAt: 4_000_000_000n }
    const signature = await sign(reporter, world.domain, 'FraudReport', body)
    const bytes = encodeStatement({ kind: 'fraud-proof', body, signer: addressOf(reporter), extra: evidence, signature })
    const file = await folder.file('proof.hex', `0x${Buffer.from(bytes).toString('hex')}\n`)
    const ran = await ticking(cases('submit', file, ...hunter, '--json'))
    expect(JSON.parse(ran.out)).toMatchObject({ faultClass: 'O1', faultId: claim.faultId, amount: '30000000000000000000' })
    // The report is checked too: one changed byte of its signature and nothing is sent.
    const bad = `0x${Buffer.from(encodeStatement({ kind: 'fraud-proof', body: { ...body, observedAt: 2n }, signer: addressOf(reporter), extra: evidence, signature })).toString('hex')}`
    expect(refused(await cases('submit', await folder.file('bad.hex', bad), ...hunter))).toMatch(
      /proves nothing here: the signature is not the reporter's/,
    )
  })

  it('appeals with a bond, and refunds once the oracle overturned', async () => {
    const { evidence, faultId } = await passThrough(world, node(3))
    await ticking(cases('submit', await bundleOf('appealed.fishbundle', 'O3', evidence), ...hunter))
    const own = [...at, ...(await folder.key(node(3), 'accused')), '--yes']
    await unhurried(async () => {
      expect(refused(await cases('appeal', faultId, ...own))).toMatch(/say what is wrong with the conviction: --claim/)
      const capped = await withLimits({ world, folder }, { bond: 24 })
      expect(refused(await cases('appeal', faultId, ...own, ...capped, '--claim', 'too dear'))).toMatch(
        /takes a bond of 25 LPT, more than limits\.bond \(24 LPT\)/,
      )
      const ran = await cases('appeal', faultId, ...own, '--claim', 'the leaf is not the source')
      expect(ran.out).toMatch(/stakes 25 LPT of 0x.* on this conviction being wrong.*\napprove +0x.*\nappeal +0x/)
    })
    expect(refused(await cases('appeal', faultId, ...own, '--claim', 'again'))).toMatch(
      /was appealed already; now the oracle must decide/,
    )
    await world.send(world.wallets[0] as Wallet, 'oracle', 'overturn', [faultId])
    expect(refused(await cases('settle', faultId, ...hunter))).toMatch(
      /the oracle overturned this conviction; type fisherman case appeal/,
    )
    expect((await cases('appeal', faultId, ...hunter)).out).toMatch(
      /refunds 30 LPT to 0x.*: the oracle overturned the conviction\.\nrefund +0x/,
    )
    expect((await cases('show', faultId, ...at)).out).toMatch(/^state +refunded$/m)
  })

  it('lets the accused answer with the hash of its rebuttal, and nobody else', async () => {
    const own = await accused(world, node(1))
    const digest = digestOf(world.domain, 'TranscodeReceipt', own.receipt)
    const faultId = (await world.view('anchor', 'faultId', [FAULT_CLASSES.D2, own.receipt.transcoder, digest])) as Hex
    const file = await folder.file('rebuttal.txt', 'Our encoder was right: see frame 12 of the source.')
    const mine = [...at, ...(await folder.key(node(1), 'answering')), '--yes']
    expect(refused(await cases('answer', faultId, ...mine))).toMatch(
      /say what is wrong with the accusation in a file: --rebuttal FILE/,
    )
    expect(refused(await cases('answer', faultId, ...mine, '--rebuttal', 'nowhere'))).toMatch(/cannot read nowhere \(ENOENT/)
    const hash = keccak256(Buffer.from('Our encoder was right: see frame 12 of the source.'))
    const published = join(folder.path, 'rebuttals')
    await unhurried(async () => {
      await world.send(world.fishermen[1] as Wallet, 'verifier', 'open', opening(own))
      expect(refused(await cases('answer', faultId, ...hunter, '--rebuttal', file))).toMatch(
        /only 0x[0-9a-f]{40} and its delegates can answer this case, and 0x[0-9a-f]{40} is none of them/,
      )
      const answered = await cases('answer', faultId, ...mine, '--rebuttal', file, '--publish', published)
      expect(answered.out, answered.err).toMatch(
        new RegExp(`puts the hash of your rebuttal, ${hash}, beside the case.*\\nanswer +0x`),
      )
    })
    expect(await readFile(join(published, `${hash}.txt`), 'utf8')).toBe('Our encoder was right: see frame 12 of the source.')
    expect((await cases('show', faultId, ...at)).out).toMatch(new RegExp(`answered by 0x[0-9a-f]{40}, rebuttal ${hash}`))
    expect(refused(await cases('answer', faultId, ...mine, '--rebuttal', file))).toMatch(
      /a case that is answered cannot be answered/,
    )
    await world.pass(121)
  })

  it('ends a case that nobody decided', async () => {
    const own = await accused(world, node(0))
    await world.send(world.fishermen[1] as Wallet, 'verifier', 'open', opening(own))
    const digest = digestOf(world.domain, 'TranscodeReceipt', own.receipt)
    const faultId = (await world.view('anchor', 'faultId', [FAULT_CLASSES.D2, own.receipt.transcoder, digest])) as Hex
    expect((await cases('show', faultId, ...at)).out).toMatch(/next +may be answered for \d s, until/)
    expect(refused(await cases('expire', faultId, ...hunter))).toMatch(/this case can be ended in (1 min|2 min)/)
    await world.pass(121)
    expect((await cases('expire', faultId, ...hunter)).out).toMatch(/ends the case against 0x.*\nexpire +0x/)
    expect((await cases('ls', ...at, '--state', 'expired', '--orchestrator', own.receipt.transcoder)).out).toContain(faultId)
  })
})

describe('bad input of fisherman case is one clear line and exit code 2', () => {
  it.each<[string, () => Promise<string[]>, RegExp]>([
    ['a state that is none', async () => ['ls', ...at, '--state', 'guilty'], /--state 'guilty': must be one of open, answered/],
    ['a fault id that is none', async () => ['show', '0x12', ...at], /'0x12' is no fault id/],
    [
      'a fault that nobody knows',
      async () => ['show', `0x${'77'.repeat(32)}`, ...at],
      /there is no case of fault 0x77.*; type fisherman case ls/,
    ],
    ['settling what is not there', async () => ['settle', `0x${'77'.repeat(32)}`, ...hunter], /there is no case of fault 0x77/],
    ['no key', async () => ['settle', `0x${'77'.repeat(32)}`, ...at], /a key is needed/],
    ['a proof that is not there', async () => ['submit', 'nowhere', ...hunter], /cannot read nowhere \(ENOENT/],
    [
      'a proof that is none',
      async () => ['submit', await folder.file('junk', 'junk'), ...hunter],
      /junk is no evidence bundle, fraud proof or JSON of one/,
    ],
    [
      'JSON without evidence',
      async () => ['submit', await folder.file('empty.json', '{"faultClass":"O1"}'), ...hunter],
      /evidence must be bytes in lower-case hex/,
    ],
    [
      'a class that is none',
      async () => ['submit', await folder.file('q.json', '{"faultClass":"Q"}'), ...hunter],
      /faultClass must be one of O1, O2/,
    ],
    [
      'evidence that proves nothing',
      async () => {
        const { evidence } = await passThrough(world, node(0))
        return ['submit', await folder.file('not.json', JSON.stringify({ faultClass: 'O6', evidence })), ...hunter]
      },
      /not\.json proves nothing here: /,
    ],
    [
      'the evidence of another network',
      async () => {
        const { evidence } = await passThrough(world, node(0))
        return ['submit', await bundleOf('mars.fishbundle', 'O3', evidence, { ...world.domain, chainId: 5n }), ...hunter]
      },
      /it is of chain 5, anchor 0x.*, this deployment is 31337/,
    ],
    [
      'a key that is no delegate of the accused',
      async () => {
        const { encodePassThrough } = await import('../../proofs/evidence.ts')
        const good = await passThrough(world, node(0))
        const signature = await sign(world.stranger, world.domain, 'TranscodeReceipt', good.signed.receipt)
        const rendition = good.leaves[1]
        if (!rendition) throw new Error('no leaf')
        const evidence = encodePassThrough({ signed: { receipt: good.signed.receipt, signature }, rendition, path: good.path(1) })
        return ['submit', await folder.file('forged.json', JSON.stringify({ faultClass: 'O3', evidence })), ...hunter]
      },
      /nothing was sent, the chain would refuse this proof: NotSigner/,
    ],
  ])('%s', async (_, args, says) => {
    expect(refused(await cases(...(await args())))).toMatch(says)
  })

  it('a paused contract', async () => {
    const { evidence } = await passThrough(world, node(0))
    const file = await bundleOf('paused.fishbundle', 'O3', evidence)
    await world.send(world.wallets[0] as Wallet, 'verifier', 'setPaused', [true])
    expect(refused(await cases('submit', file, ...hunter))).toMatch(
      /new proofs are paused by the guardian 0x.*; try again once that is over/,
    )
    await world.send(world.wallets[0] as Wallet, 'verifier', 'setPaused', [false])
  })
})
