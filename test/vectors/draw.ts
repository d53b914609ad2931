import { bls12_381 } from '@noble/curves/bls12-381.js'
import { encodeDrawProof } from '../../proofs/codec.ts'
import { sampleIdOf } from '../../proofs/digest.ts'
import { hexToBytes } from '../../proofs/signature.ts'
import { type DrawWindow, drawMessage, drawSamples, isSelected, ticketOf, trancheOf } from '../../src/sample/draw.ts'
import { LOCAL_DRAW, PUBLIC_DRAW } from '../../src/sample/params.ts'
import { addressOf, hash } from '../helpers/fixtures.ts'
import { node, toHex } from './common.ts'

const DST = 'FISHERMAN-DRAW-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_'

/** One window drawn from with the BLS key 9. */
export function draw(): unknown {
  const window: DrawWindow = {
    ...{ transcoder: addressOf(node), windowId: 7n, beacon: hash(5), members: 4 },
    receipts: Array.from({ length: 6 }, (_, i) => ({ digest: hash(100 + i), renditions: 2 })),
  }
  const params = { ...PUBLIC_DRAW, samplesPerDay: 6 * 1440 }
  const scheme = bls12_381.shortSignatures
  const secret = hexToBytes(hash(9))
  const message = drawMessage(window)
  const bls = toHex(scheme.sign(scheme.hash(hexToBytes(message), DST), secret).toBytes())
  const expectedCheckers = params.tranches.map(({ expectedCheckers }) =>
    Number.isFinite(expectedCheckers) ? expectedCheckers : 'all',
  )
  const places = window.receipts.flatMap(({ digest, renditions }, index) =>
    Array.from({ length: renditions }, (_, rendition) => {
      const sampleId = sampleIdOf(digest, rendition, window.windowId)
      const ticket = ticketOf(bls, index, rendition)
      return {
        ...{ index, rendition, sampleId, ticket, tranche: trancheOf(params, window.members, ticket) ?? null },
        selected: isSelected(params, window, sampleId),
      }
    }),
  )
  return {
    about: 'Who checks what in one window. Fractions are the first 53 bits of a hash over 2^53, exact in a double.',
    ...{ window, secretKey: hash(9), publicKey: toHex(scheme.getPublicKey(secret).toBytes()), domain: DST, message, bls },
    params: { samplesPerDay: params.samplesPerDay, windowSeconds: params.windowSeconds, expectedCheckers },
    places,
    drawn: drawSamples(params, window, bls).map(({ sampleId, tranche, proof }) => ({
      ...{ sampleId, tranche, index: proof.index, rendition: proof.rendition, proof: encodeDrawProof(proof) },
    })),
    local: drawSamples(LOCAL_DRAW, window, bls).length,
  }
}
