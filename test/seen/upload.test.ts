import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { isFishermanError } from '../../src/base/errors.ts'
import { readUpload } from '../../src/seen/upload.ts'

const folder = mkdtempSync(join(tmpdir(), 'fisherman-test-upload-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const HASH = `0x${'0'.repeat(64)}`
const EVENT = JSON.stringify({
  ...{ id: 'fuzz-0001', timeMs: 1, manifestId: 'm', seq: 1, source: { contentHash: HASH } },
  renditions: [{ contentHash: HASH, profile: { width: 64, height: 64, bitrate: 1000 } }],
})
const part = (name: string, body: string, file = '; filename="x"') =>
  `--b\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n${body}\r\n`
const WHOLE = `${part('event', EVENT, '')}${part('source', 'abc')}${part('rendition-0', 'defg')}--b--\r\n`

let runs = 0
async function read(chunks: readonly Uint8Array[], type = 'multipart/form-data; boundary=b') {
  const place = join(folder, String(runs++))
  return await readUpload({ 'content-type': type }, Readable.from(chunks), {
    ...{ folder: place, fileBytes: 10_000, onEvent: () => undefined, reserve: () => undefined },
  })
}

describe('a form of strangers', () => {
  it('is read the same however it is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: WHOLE.length }), { maxLength: 6 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), WHOLE.length]
        const chunks = places.slice(1).map((end, i) => Buffer.from(WHOLE.slice(places[i], end)))
        const { event, renditions } = await read(chunks.filter(({ length }) => length > 0))
        expect([event.id, renditions.length]).toEqual(['fuzz-0001', 1])
      }),
      { numRuns: 60 },
    )
  })

  it('ends with an upload or an error of ours that names its reason, whatever the bytes', async () => {
    const bytes = Buffer.from(WHOLE)
    const damaged = fc
      .array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 })
      .map((changes) => changes.reduce((all, [at, value]) => all.fill(value, at, at + 1), Buffer.from(bytes)))
    const cut = fc.nat(bytes.length - 1).map((end) => bytes.subarray(0, end))
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, cut, fc.uint8Array({ maxLength: 400 })), async (body) => {
        try {
          await read([body])
        } catch (error) {
          if (!isFishermanError(error) || !error.code.startsWith('donation-')) throw error
          expect(Number(error.details.status)).toBeLessThan(500)
        }
      }),
      { numRuns: 250 },
    )
    expect(readdirSync(folder).length).toBe(runs)
  }, 60_000)

  it('is no upload where a file fails after the form has ended, and its donor is not blamed', async () => {
    const place = join(folder, String(runs++))
    const upload = readUpload({ 'content-type': 'multipart/form-data; boundary=b' }, Readable.from([Buffer.from(WHOLE)]), {
      ...{ folder: place, fileBytes: 10_000, reserve: () => undefined },
      // The parser has all of so small a form before the disk says that there is no such place.
      onEvent: () => rmSync(place, { recursive: true }),
    })
    await expect(upload).rejects.toMatchObject({ code: 'donation-full', details: { status: 503 } })
  })

  it('needs a boundary', async () => {
    for (const type of ['multipart/form-data', 'text/plain', ''])
      await expect(read([Buffer.from(WHOLE)], type)).rejects.toMatchObject({ code: 'donation-form' })
  })
})
