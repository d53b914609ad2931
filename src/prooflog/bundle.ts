import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { extract, pack } from 'tar-stream'
import { canonicalJson, type Json } from './entry.ts'

/** One file of a bundle: JSON, or the bytes of a file on disk. */
export type BundlePart = { json: Json } | { file: string }

export interface BundleContent {
  /** What evidenceHash stands for; the same inputs give the same bytes. Names without a folder. */
  inputs: Readonly<Record<string, BundlePart>>
  /** Beside the evidence: verdicts, statements, pictures; outside of the hash. */
  notes: Readonly<Record<string, BundlePart>>
}

/**
 * Writes a `.fishbundle`: a ustar archive with sorted names, time 0 and owner 0, `inputs/` first. Written beside and renamed, so that a
 * crash leaves no half bundle.
 */
export async function writeBundle(file: string, content: BundleContent): Promise<void> {
  const part = `${file}.part`
  const archive = pack()
  const written = pipeline(archive, createWriteStream(part))
  try {
    for (const [folder, parts] of [
      ['inputs', content.inputs],
      ['notes', content.notes],
    ] as const)
      for (const name of Object.keys(parts).sort()) await addPart(archive, `${folder}/${name}`, parts[name] as BundlePart)
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

/** One file of a bundle, or undefined where it has none; reads at most `maxBytes` of it. */
export async function readBundlePart(file: string, wanted: RegExp, maxBytes: number): Promise<Buffer | undefined> {
  const archive = extract()
  const reading = pipeline(createReadStream(file), archive)
  reading.catch(() => undefined)
  for await (const entry of archive) {
    if (!wanted.test(entry.header.name) || (entry.header.size ?? 0) > maxBytes) {
      entry.resume()
      continue
    }
    const chunks: Buffer[] = []
    for await (const chunk of entry) chunks.push(chunk as Buffer)
    archive.destroy()
    return Buffer.concat(chunks)
  }
  await reading
  return undefined
}

async function addPart(archive: ReturnType<typeof pack>, name: string, part: BundlePart): Promise<void> {
  const header = { name, mtime: new Date(0), mode: 0o644, uid: 0, gid: 0 }
  if ('json' in part) {
    archive.entry(header, Buffer.from(`${canonicalJson(part.json)}\n`))
    return
  }
  const { size } = await stat(part.file)
  await pipeline(createReadStream(part.file), archive.entry({ ...header, size }))
}
