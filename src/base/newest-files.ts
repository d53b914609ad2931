import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Names of the files of a folder that end so, beyond the newest `keep`: what is to go where only so many are kept. */
export async function namesBeyondNewest(folder: string, suffix: string, keep: number): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(suffix))
  if (names.length <= keep) return []
  const files = await Promise.all(names.map(async (name) => ({ name, atMs: (await stat(join(folder, name))).mtimeMs })))
  files.sort((a, b) => b.atMs - a.atMs)
  return files.slice(keep).map(({ name }) => name)
}
