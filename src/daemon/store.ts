import { existsSync } from 'node:fs'
import { createAttester } from '../attest/attester.ts'
import { blsKeysOf } from '../attest/bls.ts'
import { type Guard, openGuard } from '../attest/guard.ts'
import { loadKeystore, type Signer } from '../attest/keys.ts'
import { createWriteAhead, type WriteAhead } from '../base/write-ahead.ts'
import { createChain } from '../chain/chain.ts'
import type { Chain, TransactionSigner } from '../chain/types.ts'
import { PLACES } from '../config/paths.ts'
import type { Identity } from '../pipeline/bench.ts'
import { createIntentStore } from '../pipeline/intents.ts'
import type { limitsFor } from '../pipeline/network.ts'
import { openProofLog, type ProofLog } from '../prooflog/log.ts'
import type { Frame } from './frame.ts'

/** What must be there before anything is said: the log, the order of steps, and the key with its guard. */
export interface Store {
  readonly log: ProofLog
  readonly writeAhead: WriteAhead
  readonly guard: Guard | undefined
  readonly signer: Signer | undefined
  /** Whether it may sign now or not. */
  readonly identity: Identity | undefined
}

/** Opens key, proof log and guard. Throws where one of them belongs to another key or network, or is in use. */
export async function openStore(frame: Frame): Promise<Store> {
  const { config, clock, logger, closers, domain, at, late, init } = frame
  const signer =
    config.mode === 'observe' || !config.key ? undefined : await loadKeystore(config.key.file, config.key.passwordFile)
  const owner = `${domain.chainId}:${domain.anchor}:${signer?.address ?? 'observer'}`
  const log = await openProofLog(
    { folder: at(PLACES.log), identity: owner },
    { clock, onDamage: (reason) => logger.error('The proof log is damaged', { reason }) },
  )
  closers.add('proof log', () => log.close())
  const writeAhead = createWriteAhead({
    // Checks go on without a log that can be trusted; whatever others would rely on does not.
    refuses: (step) =>
      step === 'sign' || step === 'intend' || step === 'broadcast' ? (log.trouble() ?? late.heads?.refusal()) : undefined,
    ...(init.reached ? { reached: init.reached } : {}),
  })
  const guard = signer && (await openGuard(at(PLACES.guard), owner))
  closers.add('guard', () => guard?.close())
  const identity = signer &&
    guard && { attester: createAttester({ domain }, { signer, guard, writeAhead }), bls: await blsKeysOf(signer) }
  return { log, writeAhead, guard, signer, identity }
}

/** Connects to the chain; transactions are written into the log before they are signed. `spending` is read at each of them. */
export async function openChain(frame: Frame, store: Store, spending: ReturnType<typeof limitsFor>): Promise<Chain> {
  const { config, clock, logger, closers, deployment, params, at } = frame
  const { log, writeAhead, signer } = store
  const chain = await createChain(
    {
      ...{ rpcUrls: config.rpc, deployment, pollMs: params.chainPollMs, spanFile: at('chain.ndjson') },
      send: config.mode === 'active' ? 'live' : 'simulate',
      limits: spending.limits,
      get maxFeePerGas() {
        return spending.maxFeePerGas
      },
    },
    {
      ...{ clock, log: logger, writeAhead, intents: await createIntentStore(log) },
      halted: () => haltedBy(at(PLACES.stop)),
      ...(signer ? { signer: signer.wallet() as unknown as TransactionSigner } : {}),
    },
  )
  closers.add('chain', () => chain.close())
  return chain
}

/** The operator's kill switch: a file, since anybody who can stop us can make one, and it outlives a restart. */
function haltedBy(file: string): string | undefined {
  return existsSync(file) ? `nothing is sent to the chain while ${file} is there; remove it to go on` : undefined
}
