import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { extract, type Header, pack } from 'tar-stream'
import { canonicalJson, type Json } from './entry.ts'

/** One file of a bundle: JSON, or the bytes of a file on disk. */
export type BundlePart = { json: Json } | { file: string }
export type BundleParts = Readonly<Record<string, BundlePart>>

export interface BundleContent {
  /** What evidenceHash stands for; the same inputs give the same bytes. Names without a folder. */
  inputs: BundleParts
  /** Beside the evidence: verdicts, statements, pictures; outside of the hash. */
  notes: BundleParts
}

type Archive = ReturnType<typeof pack>

/**
 * Writes a `.fishbundle`: a ustar archive with sorted names, time 0 and owner 0, `inputs/` first. Written beside and renamed, so that a
 * crash leaves no half bundle.
 */
export async function writeBundle(file: string, content: BundleContent): Promise<void> {
  await replaceFile(file, async (archive) => {
    await addParts(archive, 'inputs', content.inputs)
    await addParts(archive, 'notes', content.notes)
  })
}

/** Adds notes to a bundle, in place of those of the same name; its inputs stay byte for byte. */
export async function addNotes(file: string, notes: BundleParts): Promise<void> {
  await replaceFile(file, async (archive) => {
    const kept: [string, Buffer][] = []
    await eachPart(file, async ({ name, size }, body) => {
      if (name.startsWith('inputs/')) await pipeline(body, archive.entry({ ...header(name), size: size ?? 0 }))
      else if (!(name.slice('notes/'.length) in notes)) kept.push([name, await bytesOf(body)])
    })
    const names = [...kept.map(([name]) => name), ...Object.keys(notes).map((name) => `notes/${name}`)].sort()
    const bytes = new Map(kept)
    for (const name of names) {
      const old = bytes.get(name)
      if (old) archive.entry(header(name), old)
      else await addPart(archive, name, notes[name.slice('notes/'.length)] as BundlePart)
    }
  })
}

/** One file of a bundle, or undefined where it has none; reads at most `maxBytes` of it. */
export async function readBundlePart(file: string, wanted: RegExp, maxBytes: number): Promise<Buffer | undefined> {
  let found: Buffer | undefined
  await eachPart(file, async ({ name, size }, body) => {
    if (found === undefined && wanted.test(name) && (size ?? 0) <= maxBytes) found = await bytesOf(body)
    else body.resume()
    return found === undefined
  })
  return found
}

/** Calls `take` for each file of an archive until it answers false; what `take` does not read is skipped. */
export async function eachPart(
  file: string,
  take: (header: Header, body: NodeJS.ReadableStream & AsyncIterable<Buffer>) => Promise<unknown>,
): Promise<void> {
  const archive = extract()
  const reading = pipeline(createReadStream(file), archive)
  reading.catch(() => undefined)
  for await (const entry of archive) {
    const goOn = await take(entry.header, entry as never)
    if (goOn === false) {
      archive.destroy()
      return
    }
    entry.resume()
  }
  await reading
}

async function replaceFile(file: string, write: (archive: Archive) => Promise<void>): Promise<void> {
  const part = `${file}.part`
  const archive = pack()
  const written = pipeline(archive, createWriteStream(part))
  try {
    await Promise.race([write(archive), written])
    archive.finalize()
    await written
    await rename(part, file)
  } catch (error) {
    archive.destroy()
    await written.catch(() => undefined)
    await rm(part, { force: true })
    throw error
  }
}

function header(name: string): { name: string; mtime: Date; mode: number; uid: number; gid: number } {
  return { name, mtime: new Date(0), mode: 0o644, uid: 0, gid: 0 }
}

async function addParts(archive: Archive, folder: string, parts: BundleParts): Promise<void> {
  for (const name of Object.keys(parts).sort()) await addPart(archive, `${folder}/${name}`, parts[name] as BundlePart)
}

async function addPart(archive: Archive, name: string, part: BundlePart): Promise<void> {
  if ('json' in part) {
    archive.entry(header(name), Buffer.from(`${canonicalJson(part.json)}\n`))
    return
  }
  const { size } = await stat(part.file)
  await pipeline(createReadStream(part.file), archive.entry({ ...header(name), size }))
}

async function bytesOf(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
