import { keccak256, toUtf8Bytes } from 'ethers'
import { describe, expect, it } from 'vitest'
import { flatten, personalDigest, profileIds } from '../../proofs/segdata.ts'
import { recoverAddress } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import { callerMessage, checksummed, recoverLivepeer, resultMessage, signLivepeer } from '../../src/livepeer/signing.ts'
import { GATEWAY, LADDER, personalSigner, profile, toBytes, toHex } from './fixtures.ts'

// Vectors that other programs made: go-livepeer's own tests, and signatures by another library.

const gateway = personalSigner(GATEWAY)
const textHash = (text: string) => keccak256(toUtf8Bytes(text)) as Hex

describe('signatures of Livepeer', () => {
  it('are personal signatures of 32 bytes, recovered as go-livepeer does', () => {
    const message = '0xb7da355477356fc4c47fcabcf232dc77a6db9b07b7e48b76261cc55cc8fbabb3'
    const signature =
      '0x206443228e8f784bc3a122de0d85eb3ebff82d6a79cca26c7eeb907099a6404f6dff57bc6828f28bd6cd073c89d94cf3364204679ed8365fa45b5ee6af19a9841c'
    const prefixed = Buffer.concat([Buffer.from('\x19Ethereum Signed Message:\n32'), toBytes(message)])
    expect(recoverAddress(keccak256(prefixed) as Hex, signature)).toBe('0x3badDb1eee2105893136a3f96c8a963e9c6309d6'.toLowerCase())
  })

  it('cover of a segment what Flatten says', () => {
    const hash = `0x${Buffer.from('browns').toString('hex').padEnd(64, '0')}` as Hex
    const profiles = [profile('P144p30fps16x9'), profile('P240p30fps16x9')]
    const flat = flatten({ manifestId: Buffer.from('abcdef'), seq: 1234n, hash, profiles })
    expect(keccak256(flat)).toBe('0x08a398e7e7a5a545b0b07d9e7e1eab52b4131e0df1621bd53ee6e7550a15465b')
    expect(Buffer.from(profileIds(profiles)).toString()).toBe('fca40bf9c0a6517a')
    expect(Buffer.from(profileIds(LADDER)).toString()).toBe('433d0c22578ee4b0')
    expect(flatten({ manifestId: Buffer.from('abcdef'), seq: -1234n, hash, profiles })).toEqual(flat)
  })

  it.each([
    [
      'a segment',
      flatten({ manifestId: Buffer.from('deadbeef'), seq: 7n, hash: textHash('source-segment'), profiles: LADDER }),
      '4fcb7b8a686b15a4e30935fb16d1a3a94341968ecee7636ea84902ec9c01801849c91913320139171c5f2c5fb892c0cc13dc9f5c9d84ec079fcd9082cd5bd9101b',
    ],
    [
      'a result, which is what Ping signs too',
      resultMessage([textHash('rendition-1'), textHash('rendition-2')]),
      '5aa598193aa03b8646b0a29b767a67d49f24b547dcdd3d5c5e9bafb44733ee43212360c46839e56f036f8039ecf3185963b12d45a3205131623c361dc33bea5e1b',
    ],
    [
      'a request for information',
      callerMessage(gateway.address),
      'c72ccad1173c225d8b9821b2276345c0c50fed7e62fed0a0570cd1f2e24a5e5f0de5a214a0360937d9ea58c8ebf6d92217ab038fb41d96e3bcc6b486cce020b81c',
    ],
  ])('are the same bytes as elsewhere for %s', async (_, message, expected) => {
    const signature = await signLivepeer(gateway, message)
    expect(toHex(signature)).toBe(expected)
    expect(recoverLivepeer(message, signature)).toBe(gateway.address)
  })

  it('of a result are over one hash of all hashes', () => {
    const message = resultMessage([textHash('rendition-1'), textHash('rendition-2')])
    expect(keccak256(message)).toBe('0xc8360cb33f341105d820fe68bd814baf8e01949ba0ddd4412e4f72d4e36ed406')
    expect(personalDigest(message)).not.toBe(keccak256(message))
  })

  it('with a high s, another v or another length recover nobody', async () => {
    const message = Buffer.from('x')
    const good = await signLivepeer(gateway, message)
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const high = (order - BigInt(`0x${toHex(good.subarray(32, 64))}`)).toString(16).padStart(64, '0')
    const twin = toBytes(toHex(good.subarray(0, 32)) + high + (good[64] === 27 ? '1c' : '1b'))
    for (const bad of [
      twin,
      good.subarray(0, 64),
      Uint8Array.of(...good.subarray(0, 64), (good[64] as number) - 27),
      toBytes('00'.repeat(65)),
    ])
      expect(recoverLivepeer(message, bad)).toBeUndefined()
    expect(recoverLivepeer(Buffer.from('y'), good)).not.toBe(gateway.address)
  })

  it('write addresses with the checksum', () => {
    expect(checksummed(gateway.address)).toBe('0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A')
  })
})
