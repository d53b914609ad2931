import { loadKeystore } from '../attest/keys.ts'
import { systemClock } from '../base/clock.ts'
import { SILENT } from '../base/log.ts'
import { loadDeployment } from '../chain/deployment.ts'
import { controllerOf } from '../chain/livepeer.ts'
import { createRpc } from '../chain/rpc.ts'
import { createPaymentReads } from '../chain/ticket-broker.ts'
import type { LivepeerClientInit } from '../livepeer/client.ts'
import { createPayerFactory } from '../livepeer/payment.ts'
import { openSpending } from '../livepeer/spending.ts'

/** A gateway's identity, and what it may spend. Amounts in wei. */
export interface WalletRequest {
  key: { file: string; passwordFile: string }
  /** What was spent; never shared by two programs. */
  spendingFile: string
  maxPrice: { wei: bigint; pixels: bigint }
  maxTicketEvWei: bigint
  maxFaceValueWei: bigint
  capPerDayWei: bigint
  /** Where deposit and reserve are looked up; without it a node's refusal is how we learn of them. */
  chain?: { rpcUrls: readonly string[]; deploymentFile: string }
}

/** What a client signs and pays with. */
export type ProbeWallet = Required<Pick<LivepeerClientInit, 'signer' | 'createPayer'>> & { close(): Promise<void> }

export async function openWallet(request: WalletRequest, signal: AbortSignal): Promise<ProbeWallet> {
  const signer = await loadKeystore(request.key.file, request.key.passwordFile)
  const { maxPrice, maxTicketEvWei, maxFaceValueWei, capPerDayWei } = request
  const ledger = await openSpending({ file: request.spendingFile, capPerDayWei }, { clock: systemClock })
  const deployment = request.chain && loadDeployment(request.chain.deploymentFile)
  const controller = deployment && controllerOf(deployment)
  const rpc =
    request.chain && deployment && controller
      ? createRpc({ rpcUrls: request.chain.rpcUrls, chainId: deployment.chainId }, { log: SILENT })
      : undefined
  const reads = rpc && controller ? createPaymentReads({ controller, signal }, { rpc, clock: systemClock }) : undefined
  return {
    signer,
    createPayer: createPayerFactory({ maxPrice, maxTicketEvWei, maxFaceValueWei }, { signer, ledger, ...(reads ?? {}) }),
    async close() {
      rpc?.close()
      await ledger.close()
    },
  }
}
