import { addressOf, hash } from '../helpers/fixtures.ts'
import type { BadCase } from './bad-bytes.ts'
import { stranger } from './common.ts'

/** Changes of the bundles in bundle.json: `at` is the place in that file's JSON, no value takes it away. */
export function badBundles(): BadCase[] {
  const bad = (
    name: string,
    base: 'media' | 'objective' | 'livepeer',
    file: string,
    at: (string | number)[],
    value: unknown,
    reason: string,
  ): BadCase => ({
    ...{ name: `bundle: ${name}`, what: 'bundle', reason, base, change: { file, at, ...(value === undefined ? {} : { value }) } },
  })
  const other = addressOf(stranger)
  return [
    bad('no header', 'media', 'inputs.json', [], undefined, 'inputs/inputs.json is missing'),
    bad('no order', 'media', 'order.json', [], undefined, 'inputs/order.json is missing'),
    bad('no delegation', 'media', 'delegation.json', [], undefined, 'inputs/delegation.json is missing'),
    bad('a file that is not known', 'media', 'more.json', [], {}, 'inputs/more.json is not known'),
    bad('a file beside the evidence of an O class', 'objective', 'order.json', [], {}, 'inputs/order.json is not known'),
    bad('another version', 'media', 'inputs.json', ['bundleVersion'], 1, 'bundle version 1'),
    bad('an unknown field', 'media', 'order.json', ['more'], 1, 'no field "more"'),
    bad('a chain id that is a number', 'media', 'inputs.json', ['chainId'], 42161, 'chainId must be a decimal string'),
    bad('a chain id with a leading zero', 'media', 'inputs.json', ['chainId'], '042161', 'chainId must be a decimal string'),
    bad('a list for an object', 'media', 'order.json', [], [], 'must be an object'),
    bad('upper-case hex', 'media', 'receipt.json', ['signer'], other.toUpperCase().replace('0X', '0x'), 'lower-case hex'),
    bad('a path that is no list', 'media', 'rendition.json', ['path'], {}, 'path must be a list'),
    bad('a path of 25 steps', 'media', 'rendition.json', ['path'], Array(25).fill(hash(1)), 'list of at most 24'),
    bad('11 profiles', 'media', 'profiles.json', ['profiles'], Array(11).fill({}), 'list of at most 10'),
    bad('a negative place', 'media', 'window.json', ['index'], -1, 'whole number'),
    bad(
      'a delegation where the node signed itself',
      'media',
      'delegation.json',
      ['delegation'],
      { transcoder: other, signer: other, round: '1' },
      'delegation is not that of its signer',
    ),
    bad('another signer and no delegation', 'media', 'receipt.json', ['signer'], other, 'delegation is not that of its signer'),
    bad('another evidence hash', 'media', 'inputs.json', ['evidenceHash'], hash(1), 'evidence hash'),
    bad('another verdict version', 'media', 'inputs.json', ['verdictVersion'], 3, 'evidence hash'),
    bad('another chain', 'media', 'inputs.json', ['chainId'], '1', 'order'),
    bad('another order', 'media', 'order.json', ['order', 'seq'], '8', 'order'),
    bad('an order that somebody else signed', 'media', 'order.json', ['signature'], `0x${'11'.repeat(64)}1b`, 'order'),
    bad('another signer', 'media', 'window.json', ['signer'], other, 'window'),
    bad('another profile', 'media', 'profiles.json', ['profiles', 0, 'bitrate'], 1, 'profile'),
    bad('another rendition', 'media', 'rendition.json', ['rendition', 'frames'], 61, 'rendition'),
    bad('a forged path', 'media', 'rendition.json', ['path', 0], hash(1), 'rendition'),
    bad('another place in the window', 'media', 'window.json', ['index'], 0, 'window'),
    bad('a forged path in the window', 'media', 'window.json', ['path', 0], hash(1), 'window'),
    bad('SegData and a signed order', 'livepeer', 'order.json', ['order'], {}, 'no field "order"'),
    bad('SegData that is no text', 'livepeer', 'order.json', ['segData'], 1, 'lower-case hex'),
    bad('other SegData', 'livepeer', 'order.json', ['segData'], '0x', 'no hash of its source'),
    bad('another node of a SegData', 'livepeer', 'receipt.json', ['receipt', 'transcoder'], other, 'delegation is not'),
    bad('a class that does not exist', 'objective', 'inputs.json', ['faultClass'], 'O9', 'none that signatures prove'),
    bad(
      'a class that every JavaScript object has',
      'objective',
      'inputs.json',
      ['faultClass'],
      'constructor',
      'none that signatures prove',
    ),
    bad('a class in a list', 'objective', 'inputs.json', ['faultClass'], ['O3'], 'none that signatures prove'),
    bad('a class that needs votes', 'objective', 'inputs.json', ['faultClass'], 'D2', 'none that signatures prove'),
    bad('evidence that is no hex', 'objective', 'inputs.json', ['evidence'], '0x1', 'lower-case hex'),
    bad('another node accused', 'objective', 'inputs.json', ['transcoder'], other, 'O3'),
    bad('another evidence hash of an O class', 'objective', 'inputs.json', ['evidenceHash'], hash(1), 'evidence hash'),
  ]
}
