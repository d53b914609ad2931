import type { Statement, StatementKind } from '../../proofs/codec.ts'
import { abiHash, digestOf } from '../../proofs/digest.ts'
import type {
  Answer,
  BlobRequest,
  ConvictionVote,
  Domain,
  FraudReport,
  HeadReturn,
  Hex,
  LogHead,
  SealedAnswer,
  StructName,
  Structs,
} from '../../proofs/types.ts'
import type { WriteAhead } from '../base/write-ahead.ts'
import type { Guard, Guarded } from './guard.ts'
import type { Signer } from './keys.ts'

/** Signs statements, each after the guard has agreed. */
export interface Attester {
  readonly address: Hex
  seal(body: SealedAnswer, drawProof: Hex): Promise<Statement<'sealed'>>
  answer(body: Answer): Promise<Statement<'answer'>>
  vote(body: ConvictionVote): Promise<Statement<'vote'>>
  report(body: FraudReport, evidence: Hex): Promise<Statement<'fraud-proof'>>
  /** Signs a head of our own log, never one of a shorter history. */
  head(body: LogHead): Promise<Statement<'head'>>
  /** Needs no guard: what we hold of others binds nobody. */
  headReturn(body: HeadReturn): Promise<Hex>
  /** Needs no guard: a request for bytes accuses nobody. */
  blobRequest(body: BlobRequest): Promise<Hex>
}

export function createAttester(
  init: { domain: Domain },
  deps: { signer: Signer; guard: Guard; writeAhead: WriteAhead },
): Attester {
  const { domain } = init
  const { signer, guard, writeAhead } = deps

  async function sign<K extends StatementKind, N extends StructName>(
    statement: { kind: K; guarded: Guarded; id: Hex; extra: Hex },
    name: N,
    body: Structs[N],
  ): Promise<Statement<K>> {
    const { kind, guarded, id, extra } = statement
    const said = { kind: guarded, id, digest: digestOf(domain, name, body) }
    return await writeAhead.run(
      'sign',
      guarded,
      async () => {
        await guard.admit(said)
        return said
      },
      async () =>
        ({
          kind,
          body,
          signer: signer.address,
          extra,
          signature: await signer.signStruct(domain, name, body),
        }) as unknown as Statement<K>,
    )
  }

  return {
    address: signer.address,
    seal: (body, extra) => sign({ kind: 'sealed', guarded: 'sealed', id: body.sampleId, extra }, 'SealedAnswer', body),
    answer: (body) => sign({ kind: 'answer', guarded: 'answer', id: body.sampleId, extra: '0x' }, 'Answer', body),
    vote: (body) => sign({ kind: 'vote', guarded: 'vote', id: ballotIdOf(body), extra: '0x' }, 'ConvictionVote', body),
    report: (body, extra) => sign({ kind: 'fraud-proof', guarded: 'report', id: body.faultId, extra }, 'FraudReport', body),
    head: async (body) =>
      await writeAhead.run(
        'sign',
        'head',
        () => guard.admitHead(body),
        async () => ({
          kind: 'head',
          body,
          signer: signer.address,
          extra: '0x',
          signature: await signer.signStruct(domain, 'LogHead', body),
        }),
      ),
    headReturn: (body) => signer.signStruct(domain, 'HeadReturn', body),
    blobRequest: (body) => signer.signStruct(domain, 'BlobRequest', body),
  }
}

/**
 * What one vote is about: a fault by these inputs. A case that was rejected or drawn can be followed by one about other inputs of the same
 * receipt, and who dismissed the sham must be able to vote on the real one.
 */
function ballotIdOf({ faultId, evidenceHash }: Pick<ConvictionVote, 'faultId' | 'evidenceHash'>): Hex {
  return abiHash(['string', 'bytes32', 'bytes32'], ['ballot', faultId, evidenceHash])
}
