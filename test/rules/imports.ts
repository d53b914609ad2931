import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** Rooms in the order that data flows; a room sees types of rooms to its left and nothing to its right. */
const FLOW = [
  ...[
    'receipt',
    'livepeer',
    'playback',
    'sample',
    'fetch',
    'transcode',
    'fingerprint',
    'verdict',
    'prooflog',
    'court',
    'score',
    'gossip',
  ],
  ...['attest', 'chain', 'idle'],
]
/** Rooms that everyone may use. */
const SHARED = ['base']
/** Composition roots: they join rooms, and only cli imports them. */
const ROOT_FOLDERS = [
  'daemon',
  'devnet',
  'sidecar',
  'feed',
  'monitor',
  'sim',
  'pipeline',
  'judge',
  'replay',
  'doctor',
  'operator',
  'probe',
  'seen',
]
const ROOT_FILES = [
  'src/daemon.ts',
  'src/pipeline.ts',
  'src/judge.ts',
  'src/sheet.ts',
  'src/film.ts',
  'src/archive.ts',
  'src/replay.ts',
]

/** Where each library may be imported; a trailing slash means a folder. */
const LIBRARIES: readonly (readonly [pattern: RegExp, name: string, places: readonly string[]])[] = [
  [/^(libp2p$|@libp2p\/|@chainsafe\/libp2p|@multiformats\/)/, 'libp2p', ['src/gossip/']],
  [/^(level|classic-level|datastore-level)$/, 'level', ['src/prooflog/', 'src/attest/guard.ts']],
  [/^ethers$/, 'ethers', ['proofs/', 'src/attest/', 'src/chain/']],
  [/^fluent-ffmpeg$/, 'fluent-ffmpeg', ['src/transcode/']],
  [/^sharp$/, 'sharp', ['src/fingerprint/']],
  [/^fastify$/, 'fastify', ['src/base/http.ts']],
  [/^prom-client$/, 'prom-client', ['src/observe/']],
  [/^@fastify\/busboy$/, 'busboy', ['src/seen/']],
]
/** No clock, no I/O, no logger: only proofs, plain helpers of base and types. */
const PURE = [
  'src/playback/',
  'src/sample/',
  'src/verdict/',
  'src/court/',
  'src/score/',
  'src/idle/',
  'proofs/check.ts',
  'proofs/faults.ts',
]
const PURE_BASE = ['src/base/errors.ts']
/** Globals with a side effect, and the places that may touch them. */
const GLOBALS: readonly (readonly [expression: string, places: readonly string[]])[] = [
  ['process.env', ['src/config/']],
  ['process.exit', ['src/cli/']],
  ['console', ['src/cli/']],
  ['Date.now', ['src/base/']],
  ['Math.random', ['src/base/']],
  ['new Date', ['src/base/']],
]

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Import {
  path: string
  typeOnly: boolean
}

function roomOf(file: string): string | undefined {
  return /^src\/([a-z]+)\//.exec(file)?.[1]
}

function within(file: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place))
}

function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (node: ts.Node | undefined, typeOnly: boolean) => {
    if (node && ts.isStringLiteralLike(node)) found.push({ path: node.text, typeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node))
      add(node.moduleSpecifier, node.importClause?.isTypeOnly === true || allTypes(node.importClause))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** `import { type A, type B }` is as good as `import type`. */
function allTypes(clause: ts.ImportClause | undefined): boolean {
  const bindings = clause?.namedBindings
  if (!clause || clause.name || !bindings || !ts.isNamedImports(bindings)) return false
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly)
}

/** Every broken rule of one file, as sentences. */
export function checkFile(file: string, code: string): string[] {
  const source = ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true)
  const problems: string[] = []
  const say = (text: string) => problems.push(`${file}: ${text}`)
  for (const item of importsOf(source)) {
    if (item.path.startsWith('.'))
      checkLocal(file, posix.normalize(posix.join(posix.dirname(file), item.path)), item.typeOnly, say)
    else checkLibrary(file, item, say)
  }
  checkGlobals(file, source, say)
  return problems
}

function checkLibrary(file: string, item: Import, say: (text: string) => void): void {
  for (const [pattern, name, places] of LIBRARIES)
    if (pattern.test(item.path) && !within(file, places)) say(`${name} belongs in ${places.join(', ')}`)
  if (within(file, PURE) && item.path.startsWith('node:') && !item.typeOnly) say(`a pure room does not import ${item.path}`)
}

function checkLocal(file: string, target: string, typeOnly: boolean, say: (text: string) => void): void {
  const to = roomOf(target)
  const from = roomOf(file)
  if (file.startsWith('proofs/')) {
    if (target.startsWith('src/')) say('proofs imports nothing from src')
    return
  }
  if (within(file, PURE) && !typeOnly && target.startsWith('src/base/') && !PURE_BASE.includes(target))
    say(`a pure room does not import ${target}`)
  const targetIsRoot = ROOT_FILES.includes(target) || (to !== undefined && ROOT_FOLDERS.includes(to))
  const fileIsRoot = ROOT_FILES.includes(file) || (from !== undefined && ROOT_FOLDERS.includes(from))
  if (targetIsRoot && from !== 'cli' && !fileIsRoot) say(`only cli imports a composition root (${target})`)
  if (fileIsRoot || to === undefined || to === from || SHARED.includes(to)) return
  if (from === 'cli') {
    if (FLOW.includes(to)) say(`only composition roots join rooms, cli does not import ${target}`)
    return
  }
  if (from === undefined || !FLOW.includes(from)) return
  if (!FLOW.includes(to)) {
    say(`a room imports proofs, base and other rooms only, not ${to}`)
    return
  }
  if (FLOW.indexOf(to) > FLOW.indexOf(from)) say(`imports ${to}, which is to its right`)
  else if (!typeOnly) say(`imports values of another room (${to})`)
}

function checkGlobals(file: string, source: ts.SourceFile, say: (text: string) => void): void {
  if (!file.startsWith('src/') && !file.startsWith('proofs/')) return
  const used = (expression: string) => {
    const rule = GLOBALS.find(([name]) => name === expression)
    if (rule && !within(file, rule[1])) say(`${expression} only in ${rule[1].join(', ')}`)
  }
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      if (node.expression.text === 'console') used('console')
      used(`${node.expression.text}.${node.name.text}`)
    }
    if (
      ts.isNewExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === 'Date' &&
      !node.arguments?.length
    )
      used('new Date')
    const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined
    if (ts.isExportAssignment(node) || modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword))
      say('default export')
    ts.forEachChild(node, visit)
  }
  visit(source)
}

/** Every broken rule of the project. */
export function checkProject(): string[] {
  const files = ['src', 'proofs'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) =>
        relative(root, join(root, folder, name))
          .split('\\')
          .join('/'),
      ),
  )
  return files.flatMap((file) => checkFile(file, readFileSync(join(root, file), 'utf8')))
}
