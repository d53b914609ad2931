import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createLogger } from '../../src/observe/logger.ts'

function lines(format: 'human' | 'json', fields: Record<string, unknown>): string {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  createLogger({ level: 'info', format, stream }).info('Something happened', fields)
  return text
}

describe('logger', () => {
  it('never shows keys, passwords or credentials in URLs', () => {
    for (const format of ['human', 'json'] as const) {
      const text = lines(format, {
        privateKey: '0xabc1',
        password: 'abc2',
        salt: 'abc3',
        rpc: 'https://user:abc4@host/x?token=abc5',
      })
      for (const secret of ['abc1', 'abc2', 'abc3', 'abc4', 'abc5']) expect(text).not.toContain(secret)
      expect(text).toContain('Something happened')
    }
  })
  it('writes big integers and one line for one event', () => {
    expect(lines('human', { wei: 10n ** 20n })).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} info {2}Something happened {2}wei=100000000000000000000\n$/,
    )
    expect(JSON.parse(lines('json', { wei: 5n }))).toMatchObject({ msg: 'Something happened', wei: '5' })
  })
})
