import { spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FishermanError } from '../base/errors.ts'
import { readBundlePart } from '../prooflog/bundle.ts'

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

/**
 * Copies the bundles of all fishermen, each once (the fullest where several have it), replacing those of the last demo. `label` names a
 * bundle for people; without one it keeps the hash of its evidence as its name. Contact sheets are laid beside as pictures.
 */
export async function copyBundles(
  dataDirs: readonly string[],
  target: string,
  label: (file: string) => Promise<string | undefined> = async () => undefined,
): Promise<string[]> {
  const found = new Map<string, { file: string; bytes: number }>()
  for (const dataDir of dataDirs) {
    const folder = join(dataDir, 'bundles')
    for (const name of await readdir(folder).catch(() => [])) {
      if (!name.endsWith('.fishbundle')) continue
      const file = join(folder, name)
      const { size: bytes } = await stat(file)
      if (bytes > (found.get(name)?.bytes ?? -1)) found.set(name, { file, bytes })
    }
  }
  const before = await readdir(target).catch(() => undefined)
  if (before && before.length > 0 && !before.includes(MARKER))
    throw new FishermanError({
      code: 'demo-folder',
      message: `${target} holds files that no demo made; move it away, so that the evidence bundles can be put there`,
      blame: 'ours',
    })
  for (const name of before ?? []) if (/\.fishbundle(\.png)?$/.test(name)) await rm(join(target, name))
  await mkdir(target, { recursive: true })
  await writeFile(join(target, MARKER), 'The next demo replaces the bundles in this folder.\n')
  const copied: string[] = []
  for (const [name, { file }] of [...found].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const words = await label(file)
    const copy = join(target, words ? `${words}-${name.slice(2, 10)}.fishbundle` : name)
    await copyFile(file, copy)
    const sheet = await readBundlePart(file, /^notes\/sheet\.png$/, 32 << 20).catch(() => undefined)
    if (sheet) await writeFile(`${copy}.png`, sheet)
    copied.push(copy)
  }
  return copied.sort()
}

/** Names a bundle by what its node did and the class of its fault. */
export function bundleLabel(behaviourOf: (address: string) => string | undefined): (file: string) => Promise<string | undefined> {
  const json = async (file: string, part: RegExp) => {
    const bytes = await readBundlePart(file, part, 1 << 20)
    return bytes && (JSON.parse(bytes.toString('utf8')) as Record<string, unknown>)
  }
  return async (file) => {
    const inputs = await json(file, /^inputs\/inputs\.json$/)
    const receipt = (await json(file, /^inputs\/receipt\.json$/))?.receipt as { transcoder?: string } | undefined
    const behaviour = behaviourOf(String(receipt?.transcoder ?? inputs?.transcoder))
    const objective = inputs?.faultClass
    const verdict = (await json(file, /^notes\/verdict\.json$/))?.verdict as { class?: string } | undefined
    return behaviour && `${behaviour}-${objective ?? verdict?.class ?? 'fault'}`
  }
}
