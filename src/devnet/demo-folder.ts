import { spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FishermanError } from '../base/errors.ts'

/** The one folder that a demo works in. */
export interface DemoFolder {
  readonly path: string
  /** Removes it, or leaves it where it is. */
  close(keep: boolean): Promise<void>
}

/** Waits for a word from us; when none comes because we were killed, it lets our children end and removes the folder. */
const REAPER = 'read -r word; [ "$word" = done ] && exit 0; sleep 6; rm -rf -- "$1"'

export async function openDemoFolder(): Promise<DemoFolder> {
  const path = await mkdtemp(join(tmpdir(), 'fisherman-demo-'))
  await mkdir(join(path, 'logs'))
  const reaper = spawn('/bin/sh', ['-c', REAPER, 'sh', path], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  const gone = new Promise<void>((resolve) => {
    reaper.once('exit', () => resolve())
    reaper.once('error', () => resolve())
  })
  reaper.stdin.on('error', () => undefined)
  return {
    path,
    async close(keep) {
      if (!keep) await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
      reaper.stdin.end('done\n')
      await gone
    },
  }
}

/** Marks a folder as ours, so that the next demo may empty it and never somebody else's. */
const MARKER = '.made-by-fisherman-demo'

/** Copies the case bundles of all fishermen, each once, replacing those of the last demo. */
export async function copyBundles(dataDirs: readonly string[], target: string): Promise<string[]> {
  const found = new Map<string, string>()
  for (const dataDir of dataDirs) {
    const folder = join(dataDir, 'bundles')
    for (const name of await readdir(folder).catch(() => []))
      if (name.endsWith('.fishbundle')) found.set(name, join(folder, name))
  }
  const before = await readdir(target).catch(() => undefined)
  if (before && before.length > 0 && !before.includes(MARKER))
    throw new FishermanError({
      code: 'demo-folder',
      message: `${target} holds files that no demo made; move it away, so that the evidence bundles can be put there`,
      blame: 'ours',
    })
  for (const name of before ?? []) if (name.endsWith('.fishbundle')) await rm(join(target, name))
  await mkdir(target, { recursive: true })
  await writeFile(join(target, MARKER), 'The next demo replaces the bundles in this folder.\n')
  const names = [...found.keys()].sort()
  for (const name of names) await copyFile(found.get(name) as string, join(target, name))
  return names.map((name) => join(target, name))
}
