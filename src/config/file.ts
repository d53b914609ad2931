import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { isAlias, isMap, isScalar, LineCounter, type Pair, parseDocument, visit } from 'yaml'
import { FishermanError, messageOf } from '../base/errors.ts'

/** A configuration has a line for each orchestrator at most: 10,000 of them are below this. */
const MAX_FILE_BYTES = 2 * 1024 * 1024

/** What a file says, before anybody looks whether it makes sense. */
export interface ConfigFile {
  file: string
  values: Record<string, unknown>
  /** Line of a key, or of the nearest key above it; undefined where the file has neither. */
  lineOf(path: readonly PropertyKey[]): number | undefined
  /** Line of exactly this key. */
  lineOfKey(path: readonly string[]): number | undefined
}

/** Reads YAML or JSON. Throws `bad-config` with the line for whatever is no plain tree of keys and values. */
export function readConfigFile(file: string): ConfigFile {
  return parseConfig(textOf(file), file)
}

function textOf(file: string): string {
  let handle: number | undefined
  try {
    // Without waiting: a pipe that nobody writes to must not hold us.
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const info = fstatSync(handle)
    if (info.isDirectory()) throw configError(`${file} is a folder; pass the file in it with --config`)
    if (!info.isFile()) throw configError(`${file} is no ordinary file; pass the path of one with --config`)
    if (info.size > MAX_FILE_BYTES)
      throw configError(`${file} has ${info.size} bytes, more than the ${MAX_FILE_BYTES} that a configuration may have`)
    const bytes = readFileSync(handle)
    if (bytes.includes(0)) throw configError(`${file} is no text; a configuration is YAML or JSON`)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    if (cause instanceof FishermanError) throw cause
    if (cause instanceof TypeError) throw configError(`${file} is no text in UTF-8; a configuration is YAML or JSON`)
    throw configError(
      `cannot read the configuration ${file} (${messageOf(cause)}); pass its path with --config, or type: fisherman init`,
      cause,
    )
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

/** Levels of lists and keys; the schema has four. */
const MAX_DEPTH = 20

export function parseConfig(text: string, file: string): ConfigFile {
  refuseDeep(text, file)
  try {
    return parse(text, file)
  } catch (cause) {
    // Dashes nest as well as brackets do, and end the parser's stack.
    if (cause instanceof RangeError) throw configError(`${file} nests too deep; no configuration does`)
    throw cause
  }
}

function parse(text: string, file: string): ConfigFile {
  const lines = new LineCounter()
  const where = (offset: number | undefined) => (offset === undefined ? file : `${file}:${lines.linePos(offset).line}`)
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'error', prettyErrors: false })
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem) throw configError(`${where(problem.pos[0])}: is no YAML: ${problem.message.split('\n')[0]}`)
  visit(document, {
    Node(_, node) {
      if (isAlias(node) || node.anchor !== undefined)
        throw configError(`${where(node.range?.[0])}: anchors and aliases (& and *) are not taken here; write the value out`)
      return undefined
    },
    Pair(_, { key }) {
      const name = isScalar(key) ? key.value : undefined
      if (typeof name !== 'string' || name === '__proto__')
        throw configError(`${where(rangeOf(key))}: a key must be a name, and not __proto__`)
    },
  })
  const values: unknown = document.toJS()
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw configError(`${file} must hold keys and values; fisherman init writes such a file`)

  const pairAt = (path: readonly PropertyKey[]): { pair: Pair | undefined; depth: number } => {
    let node: unknown = document.contents
    let pair: Pair | undefined
    let depth = 0
    for (const part of path) {
      const next = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === part) : undefined
      if (!next) break
      ;[pair, node] = [next, next.value]
      depth++
    }
    return { pair, depth }
  }
  const lineAt = (pair: Pair | undefined) => {
    const offset = rangeOf(pair?.key)
    return offset === undefined ? undefined : lines.linePos(offset).line
  }
  return {
    ...{ file, values: values as Record<string, unknown> },
    lineOf: (path) => lineAt(pairAt(path).pair),
    lineOfKey(path) {
      const { pair, depth } = pairAt(path)
      return depth === path.length ? lineAt(pair) : undefined
    },
  }
}

/** The parser calls itself for each level: a file of nothing but brackets would end the stack. */
function refuseDeep(text: string, file: string): void {
  let depth = 0
  for (const sign of text) {
    if (sign === '[' || sign === '{') depth++
    else if (sign === ']' || sign === '}') depth = Math.max(0, depth - 1)
    if (depth > MAX_DEPTH) throw configError(`${file} nests brackets more than ${MAX_DEPTH} deep; no configuration does`)
  }
}

function rangeOf(node: unknown): number | undefined {
  return (node as { range?: [number, number, number] | null } | null | undefined)?.range?.[0]
}

export function configError(message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code: 'bad-config', message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}
