import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes a file that is whole or not there, after a crash too; it and its name are on disk when it resolves. What lay there before is replaced. */
export async function writeWholeFile(file: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const part = `${file}.new`
  // Not appended to: what a crash left of an earlier try must not be the beginning of this one.
  const handle = await open(part, 'w', mode)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(part, file)
  const folder = await open(dirname(file), 'r')
  await folder.sync().finally(() => folder.close())
}
