import type { BundleInputs } from '../../proofs/bundle.ts'
import type { BundleCheck } from '../../proofs/bundle-checks.ts'
import { CodecError, decodeStatement, STATEMENT_STRUCTS, type Statement } from '../../proofs/codec.ts'
import { digestOf } from '../../proofs/digest.ts'
import { readHex } from '../../proofs/json.ts'
import { hexToBytes, signerOf } from '../../proofs/signature.ts'
import { LIMITS, OUTCOMES } from '../../proofs/types.ts'

/** The answers and votes beside the evidence: each signed by who it says, and about this receipt. Nothing where there are none. */
export function checkStatements(inputs: BundleInputs, json: unknown): BundleCheck[] {
  if (json === undefined) return []
  const list = (json as { statements?: unknown } | null)?.statements
  if (!Array.isArray(list)) return [{ name: 'statements', holds: false, detail: 'notes/statements.json holds no list' }]
  if (list.length > LIMITS.bundleStatements)
    return [{ name: 'statements', holds: false, detail: `notes/statements.json holds more than ${LIMITS.bundleStatements}` }]
  const said: string[] = []
  for (const [i, item] of list.entries()) {
    const wrong = wrongWith(inputs, item, said)
    if (wrong) return [{ name: 'statements', holds: false, detail: `number ${i + 1} ${wrong}` }]
  }
  return [{ name: 'statements', holds: true, detail: `${list.length} signed: ${said.join(', ') || 'none'}` }]
}

/** What is wrong with one statement; adds what it says in a few words. */
function wrongWith({ domain, receipt, rendition }: BundleInputs, item: unknown, said: string[]): string | undefined {
  const { kind, bytes } = (item ?? {}) as { kind?: unknown; bytes?: unknown }
  if (kind !== 'answer' && kind !== 'vote') return 'is neither an answer nor a vote'
  try {
    const statement = decodeStatement(kind, hexToBytes(readHex('bytes', bytes, undefined, LIMITS.fraudProofBytes)))
    const { body, signer, signature } = statement as Statement<'answer' | 'vote'>
    if (signerOf(domain, STATEMENT_STRUCTS[kind], body as never, signature) !== signer) return `is not signed by ${signer}`
    if (body.receiptDigest !== digestOf(domain, 'TranscodeReceipt', receipt)) return 'is about another receipt'
    const who = signer.slice(0, 10)
    if (statement.kind === 'vote') said.push(`vote of ${who}`)
    // Answers may be about other rungs of the same receipt: all of them belong to the case.
    else if (statement.kind === 'answer')
      said.push(
        `${OUTCOMES[statement.body.outcome] ?? 'unknown'} by ${who}${statement.body.rendition === rendition.index ? '' : ` on rung ${statement.body.rendition}`}`,
      )
    return undefined
  } catch (error) {
    if (error instanceof CodecError) return `cannot be read: ${error.message}`
    throw error
  }
}
