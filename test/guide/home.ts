import { createHash } from 'node:crypto'
import { cpSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Newcomer {
  /** Holds the two below; nothing else of this machine is written to. */
  path: string
  home: string
  project: string
  env: Readonly<Record<string, string>>
  remove(): void
}

/** An empty home and the project beside it, as after a download; node modules are linked instead of loaded again. */
export function createNewcomer(): Newcomer {
  const path = mkdtempSync(join(tmpdir(), 'fisherman-guide-'))
  const [home, project] = [join(path, 'home'), join(path, 'fisherman')]
  for (const folder of [home, project]) mkdirSync(folder)
  for (const name of readdirSync(root))
    if (!['node_modules', 'dist', '.git', 'devnet', 'fisherman-demo'].includes(name))
      cpSync(join(root, name), join(project, name), { recursive: true })
  mkdirSync(join(project, 'dist'))
  for (const name of readdirSync(join(root, 'dist')))
    if (!['bench', 'tools'].includes(name)) cpSync(join(root, 'dist', name), join(project, 'dist', name), { recursive: true })
  linkModules(join(root, 'node_modules'), join(project, 'node_modules'))
  return {
    ...{ path, home, project },
    env: {
      ...{ HOME: home, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`, TERM: 'dumb', LANG: 'C.UTF-8' },
      // A newcomer has nothing at the port of the page; a machine that runs tests may.
      ...{ FISHERMAN_HTTP_PORT: '0', npm_config_update_notifier: 'false' },
    },
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  }
}

/** Every module is a link, so that whatever set-up would change there is changed in the copy alone. */
function linkModules(from: string, to: string): void {
  mkdirSync(join(to, '.bin'), { recursive: true })
  for (const name of readdirSync(from)) {
    if (name.startsWith('.')) continue
    if (!name.startsWith('@')) {
      symlinkSync(join(from, name), join(to, name))
      continue
    }
    mkdirSync(join(to, name))
    for (const part of readdirSync(join(from, name))) symlinkSync(join(from, name, part), join(to, name, part))
  }
  for (const name of readdirSync(join(from, '.bin')))
    if (name !== 'fisherman' && lstatSync(join(from, '.bin', name)).isSymbolicLink())
      symlinkSync(join(from, '.bin', name), join(to, '.bin', name))
  symlinkSync('../../bin/fisherman.mjs', join(to, '.bin', 'fisherman'))
  writeFileSync(join(to, '.fisherman-setup'), stamp())
}

/** What set-up leaves when it has installed the modules: those that are linked are of this very lockfile, or this test could not run. */
function stamp(): string {
  const hash = createHash('sha256')
  for (const name of ['package-lock.json', 'package.json']) hash.update(name).update(readFileSync(join(root, name)))
  return `${hash.digest('hex')} ${process.versions.modules} ${process.platform} ${process.arch}`
}

/** Command lines of processes that work in a folder. */
export function processesIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return line.includes(folder) ? [`${pid} ${line}`] : []
      } catch {
        return []
      }
    })
}
