import type { Statement } from '../../proofs/codec.ts'
import { digestOf } from '../../proofs/digest.ts'
import type { Answer, BlobRequest, ConvictionVote, Domain, FraudReport, Hex, SealedAnswer } from '../../proofs/types.ts'
import type { Guard } from './guard.ts'
import type { Signer } from './keys.ts'

/** Signs statements, each after the guard has agreed. */
export interface Attester {
  readonly address: Hex
  seal(body: SealedAnswer, drawProof: Hex): Promise<Statement<'sealed'>>
  answer(body: Answer): Promise<Statement<'answer'>>
  vote(body: ConvictionVote): Promise<Statement<'vote'>>
  report(body: FraudReport, evidence: Hex): Promise<Statement<'fraud-proof'>>
  /** Needs no guard: a request for bytes accuses nobody. */
  blobRequest(body: BlobRequest): Promise<Hex>
}

export function createAttester(init: { domain: Domain }, deps: { signer: Signer; guard: Guard }): Attester {
  const { domain } = init
  const { signer, guard } = deps
  return {
    address: signer.address,
    async seal(body, drawProof) {
      await guard.admit(`sealed/${body.sampleId}`, digestOf(domain, 'SealedAnswer', body))
      const signature = await signer.signStruct(domain, 'SealedAnswer', body)
      return { kind: 'sealed', body, signer: signer.address, extra: drawProof, signature }
    },
    async answer(body) {
      await guard.admit(`answer/${body.sampleId}`, digestOf(domain, 'Answer', body))
      return {
        kind: 'answer',
        body,
        signer: signer.address,
        extra: '0x',
        signature: await signer.signStruct(domain, 'Answer', body),
      }
    },
    async vote(body) {
      await guard.admit(`vote/${body.faultId}`, digestOf(domain, 'ConvictionVote', body))
      return {
        kind: 'vote',
        body,
        signer: signer.address,
        extra: '0x',
        signature: await signer.signStruct(domain, 'ConvictionVote', body),
      }
    },
    async report(body, evidence) {
      await guard.admit(`report/${body.faultId}`, digestOf(domain, 'FraudReport', body))
      const signature = await signer.signStruct(domain, 'FraudReport', body)
      return { kind: 'fraud-proof', body, signer: signer.address, extra: evidence, signature }
    },
    blobRequest: (body) => signer.signStruct(domain, 'BlobRequest', body),
  }
}
