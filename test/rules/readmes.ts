import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { configKeys } from '../../src/config/keys.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Folders that hold nothing of ours, or nothing that is kept. */
const FOREIGN = ['node_modules', 'dist', 'fisherman-demo', 'shared']
/** Rooms whose page is made by the program itself: it cannot name files. */
const GENERATED = ['src/config/README.md']
/** A path of the repository in backticks begins with one of these. */
const PLACES = /^(?:src|test|proofs|scripts|ops|bin|examples)\//
/** Keys of the configuration are flags of these as well. */
const TAKES_CONFIG = ['run', 'config show', 'config reference']

/** Paths of all READMEs, from the root of the repository. */
export function readmes(): string[] {
  return tree().filter((path) => posix.basename(path) === 'README.md')
}

/** Folders of `src`. */
export function rooms(): string[] {
  return readdirSync(join(root, 'src'), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
}

/** Everything that a page promises and does not keep, as sentences. */
export async function checkReadme(path: string, text: string): Promise<string[]> {
  const program = await commands()
  const found = [
    ...links(path, text),
    ...paths(path, text),
    ...scripts(text),
    ...metrics(text),
    ...spoken(text).flatMap((line) => checkCommand(program, line)),
    ...(/^src\/[a-z]+\/README\.md$/.test(path) && !GENERATED.includes(path) ? files(posix.dirname(path), text) : []),
    ...(path === 'src/README.md' ? files('src', text, { deep: false }) : []),
  ]
  return found.map((problem) => `${path}: ${problem}`)
}

/** Text without the blocks that only look like text. */
function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/^ {4}.*$/gm, '')
}

function code(text: string): string[] {
  return [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, inside = '']) => inside)
}

function links(path: string, text: string): string[] {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
    if (/^[a-z]+:/.test(target)) return []
    const [name = '', anchor] = target.split('#')
    const file = name === '' ? path : posix.join(posix.dirname(path), name)
    if (!existsSync(join(root, file))) return [`its link ${target} leads nowhere`]
    if (anchor === undefined) return []
    const page = name === '' ? text : readFileSync(join(root, file), 'utf8')
    return anchors(page).includes(anchor) ? [] : [`its link ${target} names no heading`]
  })
}

/** Headings as GitHub names them. */
function anchors(page: string): string[] {
  return [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}

function paths(path: string, text: string): string[] {
  return code(text)
    .filter((inside) => PLACES.test(inside) && !/[\s<…]/.test(inside))
    .filter((inside) => matching(inside).length === 0)
    .map((inside) => `${inside} does not exist`)
    .concat(moved(path, text))
}

/** `x.ts` alone is a file beside the page or below it, or in a folder that the page has named with another file. */
function moved(path: string, text: string): string[] {
  const folder = posix.dirname(path)
  const named = new Set(
    code(text).flatMap((inside) => (PLACES.test(inside) ? matching(inside) : []).map((one) => posix.dirname(one))),
  )
  const isThere = (name: string): boolean =>
    matching(posix.join(folder, name)).length > 0 ||
    tree().some((one) => one.startsWith(`${folder}/`) && one.endsWith(`/${name}`)) ||
    [...named].some((one) => matching(`${one}/${name}`).length > 0)
  return code(text)
    .filter((inside) => /^[\w*/.-]+\.ts$/.test(inside) && !PLACES.test(inside) && !isThere(inside))
    .map((inside) => `${inside} is not in ${folder}`)
}

/** Metrics, as the table of all of them has them; another test holds that table equal to the program. */
function metrics(text: string): string[] {
  const known = readFileSync(join(root, 'src/observe/README.md'), 'utf8')
  return [...text.matchAll(/\bfisherman_[a-z_]+/g)]
    .map(([name]) => name)
    .filter((name) => !known.includes(`\`${name}\``))
    .map((name) => `there is no metric ${name}`)
}

function scripts(text: string): string[] {
  const known = Object.keys((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }).scripts)
  return [...text.matchAll(/npm run ([a-z][\w:-]*)/g)]
    .map(([, name = '']) => name)
    .filter((name) => !known.includes(name))
    .map((name) => `there is no npm run ${name}`)
}

/** Lines and words in which a command stands as one would type it. */
function spoken(text: string): string[] {
  const fenced = [...text.matchAll(/^```[a-z]*\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) => block.split('\n'))
  const indented = [...text.matchAll(/^ {4,}(.*)$/gm)].map(([, line = '']) => line)
  return [...fenced, ...indented, ...code(text)].flatMap((line) => {
    const [, words] = /(?:^|npx |fisherman-node )fisherman ((?:[a-z-]).*)$/.exec(line.split(/\s#\s/)[0]?.trim() ?? '') ?? []
    return words === undefined ? [] : [words]
  })
}

function checkCommand(program: Command, line: string): string[] {
  const [first = '', second = ''] = line.split(/[\s,]+/)
  // `--version`, `<command>`: of the program itself.
  if (!/^[a-z]/.test(first)) return []
  const command = program.commands.find((one) => one.name() === first)
  if (!command) return [`there is no command fisherman ${first}`]
  const inner = command.commands.find((one) => one.name() === second)
  // A group is no command by itself, unless it does something.
  if (!inner && command.commands.length > 0 && /^[a-z]+$/.test(second))
    return [`there is no command fisherman ${first} ${second}`]
  const takes = inner ?? command
  const known = [...takes.options, ...(inner ? command.options : [])].flatMap(({ long }) => long ?? [])
  if (TAKES_CONFIG.includes(`${first} ${second}`) || TAKES_CONFIG.includes(first))
    known.push(...configKeys().flatMap(({ flag, path }) => [flag ?? '', `--${path}`]))
  return [...line.matchAll(/(?:^|\s|\[)(--[a-z][a-z.-]*)/g)]
    .map(([, flag = '']) => flag)
    .filter((flag) => ![...known, '--help', '--version'].includes(flag))
    .map((flag) => `fisherman ${inner ? `${first} ${second}` : first} takes no ${flag}`)
}

let declared: Promise<Command> | undefined

/** The program's own tables of commands and options, with nothing behind them. */
function commands(): Promise<Command> {
  declared ??= (async () => {
    const program = new Command('fisherman').helpCommand(false)
    const nothing = new Proxy(() => undefined, { get: () => () => undefined })
    const folder = join(root, 'src/cli')
    for (const name of readdirSync(folder).filter((one) => one.endsWith('.options.ts') || one === 'help.ts')) {
      const module = (await import(resolve(folder, name))) as Record<string, unknown>
      for (const [key, declare] of Object.entries(module))
        if (/^declare[A-Z]/.test(key)) (declare as (...args: unknown[]) => void)(program, nothing, configKeys())
    }
    return program
  })()
  return declared
}

/** Every file of a room stands in its page, by its name or by a pattern. */
function files(folder: string, text: string, { deep } = { deep: true }): string[] {
  const names = code(text).filter((inside) => /^[\w*/.-]+\.ts$/.test(inside))
  const told = new Set(names.flatMap((name) => matching(PLACES.test(name) ? name : posix.join(folder, name))))
  return tree()
    .filter((path) => path.startsWith(`${folder}/`) && path.endsWith('.ts'))
    .filter((path) => (deep || posix.dirname(path) === folder) && !told.has(path))
    .map((path) => `says nothing of ${path}`)
}

/** Files and folders that fit a path in which a `*` stands for any letters but a slash. */
function matching(pattern: string): string[] {
  const letters = pattern.replace(/\/$/, '').replace(/[.+]/g, '\\$&').replaceAll('*', '[^/]*')
  const whole = new RegExp(`^${letters}$`)
  return tree().filter((path) => whole.test(path))
}

let walked: string[] | undefined

/** All files and folders of the repository that are ours. */
function tree(): string[] {
  const walk = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = posix.join(folder, entry.name)
      if (entry.isDirectory()) return entry.name.startsWith('.') || FOREIGN.includes(entry.name) ? [] : [path, ...walk(path)]
      return [path]
    })
  walked ??= walk('')
  return walked
}
