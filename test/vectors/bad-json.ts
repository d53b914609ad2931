import type { StructName } from '../../proofs/types.ts'
import type { BadCase } from './bad-bytes.ts'
import { counted, json } from './common.ts'

/** JSON forms that are refused; `text` is the JSON as it would come. */
export function badJson(): BadCase[] {
  const bad = (name: string, struct: StructName, text: string, reason: string): BadCase => ({
    ...{ name, what: 'json', reason, struct, text },
  })
  const changed = (name: string, struct: StructName, changes: object, reason: string): BadCase => {
    const value: Record<string, unknown> = { ...json(struct, counted(struct)), ...changes }
    for (const [field, item] of Object.entries(value)) if (item === undefined) delete value[field]
    return bad(name, struct, JSON.stringify(value), reason)
  }
  const whole = JSON.stringify(json('WindowRoot', counted('WindowRoot')))
  const address = `0x${'ab'.repeat(20)}`
  return [
    changed('a missing field', 'WindowRoot', { closedAt: undefined }, 'WindowRoot.closedAt must be a decimal string'),
    changed('an unknown field', 'WindowRoot', { more: 1 }, 'WindowRoot has no field "more"'),
    bad(
      'a field that JavaScript treats as the prototype',
      'WindowRoot',
      `{"__proto__":{},${whole.slice(1)}`,
      'no field "__proto__"',
    ),
    bad('fields of the prototype only', 'WindowRoot', `{"__proto__":${whole}}`, 'no field "__proto__"'),
    changed(
      'upper-case hex',
      'WindowRoot',
      { transcoder: `0x${'AB'.repeat(20)}` },
      'WindowRoot.transcoder must be 0x and 20 bytes',
    ),
    changed('a mixed-case checksum', 'WindowRoot', { transcoder: `0xAb${address.slice(4)}` }, '20 bytes of lower-case hex'),
    changed('hex without its prefix', 'WindowRoot', { transcoder: address.slice(2) }, '20 bytes of lower-case hex'),
    changed('an address of 19 bytes', 'WindowRoot', { transcoder: address.slice(0, -2) }, '20 bytes of lower-case hex'),
    changed('a hash of 33 bytes', 'WindowRoot', { root: `0x${'12'.repeat(33)}` }, '32 bytes of lower-case hex'),
    changed('a line break after a hash', 'WindowRoot', { root: `0x${'12'.repeat(32)}\n` }, '32 bytes of lower-case hex'),
    changed('a uint64 as a number', 'WindowRoot', { windowId: 1 }, 'WindowRoot.windowId must be a decimal string'),
    changed('a uint64 with a leading zero', 'WindowRoot', { windowId: '01' }, 'decimal string'),
    changed('a uint64 in hex', 'WindowRoot', { windowId: '0x10' }, 'decimal string'),
    changed('a uint64 with a sign', 'WindowRoot', { windowId: '+1' }, 'decimal string'),
    changed('a uint64 with a space', 'WindowRoot', { windowId: ' 1' }, 'decimal string'),
    changed('a uint64 that is empty', 'WindowRoot', { windowId: '' }, 'decimal string'),
    changed('a uint64 of 2^64', 'WindowRoot', { windowId: '18446744073709551616' }, 'WindowRoot.windowId is outside of uint64'),
    changed('a uint32 as text', 'WindowRoot', { count: '4' }, 'WindowRoot.count must be an integer'),
    changed('a uint32 of 2^32', 'WindowRoot', { count: 2 ** 32 }, 'WindowRoot.count is outside of uint32'),
    changed('a negative uint32', 'WindowRoot', { count: -1 }, 'WindowRoot.count is outside of uint32'),
    changed('a fraction', 'WindowRoot', { count: 1.5 }, 'WindowRoot.count must be an integer'),
    changed('an integer that a double cannot hold', 'WindowRoot', { count: 2 ** 53 }, 'WindowRoot.count must be an integer'),
    changed('null for a number', 'WindowRoot', { count: null }, 'WindowRoot.count must be an integer'),
    changed('a uint8 of 256', 'Answer', { outcome: 256 }, 'Answer.outcome is outside of uint8'),
    changed('a uint16 of 65536', 'Rendition', { index: 65_536 }, 'Rendition.index is outside of uint16'),
    changed('an int32 below its range', 'Profile', { gopMs: -(2 ** 31) - 1 }, 'Profile.gopMs is outside of int32'),
    bad('null', 'WindowRoot', 'null', 'WindowRoot must be an object'),
    bad('a list', 'WindowRoot', '[]', 'WindowRoot must be an object'),
    bad('a text', 'WindowRoot', '"x"', 'WindowRoot must be an object'),
  ]
}
