import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Hex } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'
import { GUARDED, type Guard, type Guarded, type Said } from './guard.ts'

// A key moves to another machine with everything that it ever said. The file is text: a line of JSON that says whose it is, a line
// `<kind> <id> <digest>` for each thing said, and a last line with the SHA-256 of all lines before.

interface Header {
  format: 'fisherman-guard'
  version: 1
  owner: string
  epoch: string
}

/** Of every kind that the guard knows: what is written here is taken back. */
const LINE = new RegExp(`^(${Object.keys(GUARDED).join('|')}) (0x[0-9a-f]{64}) (0x[0-9a-f]{64})$`)

function fileError(code: string, message: string): FishermanError {
  return new FishermanError({ code, message, blame: 'ours' })
}

/** Writes everything that the guard knows; never over a file that exists. The number of things said. */
export async function exportGuard(guard: Guard, file: string): Promise<number> {
  if (await stat(file).catch(() => undefined)) throw fileError('guard-export', `${file} exists; name a new file`)
  let count = 0
  async function* lines(): AsyncGenerator<string> {
    const digest = createHash('sha256')
    const header: Header = { format: 'fisherman-guard', version: 1, owner: guard.owner, epoch: guard.epoch().toString() }
    const first = `${JSON.stringify(header)}\n`
    digest.update(first)
    yield first
    for await (const { kind, id, digest: signed } of guard.all()) {
      const line = `${kind} ${id} ${signed}\n`
      digest.update(line)
      count++
      yield line
    }
    yield `sha256 ${digest.digest('hex')}\n`
  }
  const part = `${file}.part`
  try {
    await pipeline(Readable.from(lines()), createWriteStream(part, { mode: 0o600, flush: true }))
    await rename(part, file)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  return count
}

export interface GuardFile {
  owner: string
  epoch: bigint
  said(): AsyncIterable<Said>
}

/** Reads and checks the whole file; nothing of it is used before its last line has vouched for it. */
export async function readGuardFile(file: string): Promise<GuardFile> {
  const info = await stat(file).catch(() => undefined)
  if (!info?.isFile()) throw fileError('guard-import', `cannot read ${file}`)
  const digest = createHash('sha256')
  let header: Header | undefined
  let held: string | undefined
  let number = 0
  for await (const line of linesOf(file)) {
    number++
    // The last line is not part of what it vouches for, so each line is taken in only when another one follows.
    if (held !== undefined) digest.update(`${held}\n`)
    if (number === 1) header = headerOf(file, line)
    else if (held !== undefined && number > 2 && !LINE.test(held)) throw unknownLine(file, number - 1, held)
    held = line
  }
  if (!header || number < 2 || held !== `sha256 ${digest.digest('hex')}`)
    throw broken(file, 'its last line does not vouch for it')
  const { owner, epoch } = header
  return {
    owner,
    epoch: BigInt(epoch),
    async *said() {
      for await (const line of linesOf(file)) {
        const [, kind, id, signed] = LINE.exec(line) ?? []
        if (kind) yield { kind: kind as Guarded, id: id as Hex, digest: signed as Hex }
      }
    },
  }
}

function linesOf(file: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })
}

function headerOf(file: string, line: string): Header {
  let header: Partial<Header>
  try {
    header = JSON.parse(line.slice(0, 1_000)) as Partial<Header>
  } catch {
    throw broken(file, 'its first line is no JSON')
  }
  if (header?.format !== 'fisherman-guard' || typeof header.owner !== 'string')
    throw broken(file, 'its first line says something else')
  if (header.version !== 1)
    throw fileError(
      'guard-import',
      `${file} is of version ${String(header.version)}, this program knows 1; use the newer program`,
    )
  if (!/^[1-9][0-9]{0,18}$/.test(String(header.epoch))) throw broken(file, 'its epoch is no number')
  return header as Header
}

/** A kind that is not known here was written by a newer program; anything else was never a line of such a file. */
function unknownLine(file: string, number: number, line: string): FishermanError {
  const [kind = ''] = /^[a-z]{1,20}(?= 0x)/.exec(line) ?? []
  const [what, help] =
    kind && !(kind in GUARDED)
      ? [` ("${kind}")`, 'if a newer program exported it, import it with that one']
      : ['', 'export it once more, and copy it unchanged']
  return broken(file, `line ${number} is not one of its kind${what}; ${help}`)
}

function broken(file: string, why: string): FishermanError {
  return fileError('guard-import', `${file} is no guard file, or a broken one: ${why}. Nothing was taken over`)
}
