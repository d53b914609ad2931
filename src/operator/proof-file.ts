import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isObjective, readObjectiveInputs } from '../../proofs/bundle.ts'
import { checkFraudProof } from '../../proofs/check.ts'
import { CodecError, decodeStatement, type Statement } from '../../proofs/codec.ts'
import { type Domain, FAULT_CLASSES, type FaultClass, faultClassName, type Hex, LIMITS } from '../../proofs/types.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { unpackBundle } from '../prooflog/unpack.ts'

/** A proof as it lies in a file. */
export interface ProofFile {
  faultClass: FaultClass
  evidence: Hex
  /** Of which network it is, where the file says so. */
  domain?: Domain
}

const MAX_BYTES = 4 * LIMITS.fraudProofBytes

/**
 * Reads a proof: an evidence bundle (.fishbundle), a fraud-proof statement as it travels by gossip (bytes or 0x hex), or JSON with
 * faultClass and evidence. `domain` is whose statements are checked. Throws `proof-unreadable` or `proof-invalid`.
 */
export async function readProofFile(file: string, domain: Domain): Promise<ProofFile> {
  const start = await readStart(file)
  if (isTar(start)) return await fromBundle(file)
  if (start.length > MAX_BYTES) throw unreadable(file, `it has more than ${MAX_BYTES} bytes`)
  const text = start.toString('utf8').trim()
  if (text.startsWith('{')) return fromJson(file, text)
  return fromStatement(file, /^0x([0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text.slice(2), 'hex') : start, domain)
}

async function readStart(file: string): Promise<Buffer> {
  try {
    const handle = await open(file, 'r')
    try {
      const buffer = Buffer.alloc(MAX_BYTES + 1)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw new FishermanError({
      code: 'proof-missing',
      message: `cannot read ${file} (${messageOf(cause)})`,
      blame: 'ours',
      cause,
    })
  }
}

/** The mark of a tar header. */
function isTar(bytes: Buffer): boolean {
  return bytes.subarray(257, 262).toString('latin1') === 'ustar'
}

async function fromBundle(file: string): Promise<ProofFile> {
  const folder = await mkdtemp(join(tmpdir(), 'fisherman-proof-'))
  try {
    const { inputs } = await unpackBundle(file, folder)
    if (!isObjective(inputs))
      throw new FishermanError({
        code: 'proof-needs-votes',
        message: `${file} shows a wrong picture: that convicts by votes of the network, not by itself; look at it with fisherman replay`,
        blame: 'ours',
      })
    const { domain, faultClass, evidence } = read(file, () => readObjectiveInputs(inputs))
    return { domain, faultClass, evidence }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function fromJson(file: string, text: string): ProofFile {
  let value: { faultClass?: unknown; evidence?: unknown }
  try {
    value = JSON.parse(text) as typeof value
  } catch (cause) {
    throw unreadable(file, 'it is no whole JSON', cause)
  }
  const { faultClass, evidence } = value
  if (typeof faultClass !== 'string' || !Object.hasOwn(FAULT_CLASSES, faultClass))
    throw unreadable(file, `faultClass must be one of ${Object.keys(FAULT_CLASSES).join(', ')}`)
  if (typeof evidence !== 'string' || !/^0x([0-9a-f]{2})+$/.test(evidence))
    throw unreadable(file, 'evidence must be bytes in lower-case hex')
  return { faultClass: faultClass as FaultClass, evidence: evidence as Hex }
}

function fromStatement(file: string, bytes: Buffer, domain: Domain): ProofFile {
  const statement = read(file, () => decodeStatement('fraud-proof', Uint8Array.from(bytes))) as Statement<'fraud-proof'>
  const result = checkFraudProof(domain, statement)
  if (!result.valid) throw invalid(file, result.reason)
  const faultClass = faultClassName(statement.body.faultClass)
  if (!faultClass) throw invalid(file, `class ${statement.body.faultClass} is not known`)
  return { faultClass, evidence: statement.extra }
}

function read<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof CodecError) throw unreadable(file, error.message, error)
    throw error
  }
}

function unreadable(file: string, why: string, cause?: unknown): FishermanError {
  return new FishermanError({
    code: 'proof-unreadable',
    message: `${file} is no evidence bundle, fraud proof or JSON of one: ${why}`,
    blame: 'theirs',
    ...(cause === undefined ? {} : { cause }),
  })
}

export function invalid(file: string, reason: string): FishermanError {
  return new FishermanError({ code: 'proof-invalid', message: `${file} proves nothing here: ${reason}`, blame: 'theirs' })
}
