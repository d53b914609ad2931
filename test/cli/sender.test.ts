import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { placeOf } from '../../src/operator/place.ts'

const folder = mkdtempSync(join(tmpdir(), 'fisherman-test-sender-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the sender of a configuration', () => {
  it('is apart from the key, and a key by flag goes before both', () => {
    const config = join(folder, 'fisherman.yaml')
    writeFileSync(
      config,
      'rpc: [http://a]\ndeployment: d\nkey: { file: k, passwordFile: kp }\nsender: { file: s, passwordFile: sp }\n',
    )
    const at = (name: string) => join(folder, name)
    expect(placeOf({ config })).toMatchObject({
      key: { file: at('k'), passwordFile: at('kp') },
      sender: { file: at('s'), passwordFile: at('sp') },
    })
    const byFlag = placeOf({ config, key: 'mine', passwordFile: 'p' })
    expect(byFlag).toMatchObject({ key: { file: 'mine', passwordFile: 'p' } })
    expect(byFlag).not.toHaveProperty('sender')
  })
})
