// Mutation tests of what takes stake: changes one comparison, constant, operator, check or call of FaultVerifier and TakeLimits at a time
// and runs the Solidity tests; each change must make some test fail. `mutate.mjs [--every n] [--only text]`; exit 1 when one survives.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { forge } from './forge.mjs'

const require = createRequire(import.meta.url)
const solc = require('solc')
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const sourceDir = path.join(root, 'proofs', 'contracts')
const workDir = path.join(root, 'dist', 'forge', 'mutants')

/** What is changed, in which deployed contract it ends up, and which tests look at it. */
const TARGETS = [
  { file: 'FaultVerifier.sol', contract: 'FaultVerifier', tests: '^(Objective|Frames|Conviction|Cases|Outcomes)Test$' },
  { file: 'TakeLimits.sol', contract: 'FishermanVerifier', tests: '^(Limits|Slashers|Outcomes)Test$' },
]

/** Changes that nobody can notice, each with its reason. The text is the changed line, without spaces around. */
const EQUIVALENT = new Map([
  ...sameWhenEqual([
    '_checkStatute(a.round >= b.round ? a.round : b.round, current);',
    'uint256 closedAt = a.closedAt >= b.closedAt ? a.closedAt : b.closedAt;',
    'uint256 first = current >= STATUTE_ROUNDS ? current - STATUTE_ROUNDS : 0;',
    'uint256 round = receipt.round <= current ? receipt.round : current;',
    'if (stake >= type(uint96).max) stake = type(uint96).max;',
    'return a <= b ? a : b;',
    'return a >= b ? a - b : 0;',
    'if (round <= current && current - round > STATUTE_ROUNDS) revert StatuteExpired(round, current);',
  ]),
  [
    'uint256 first = current > STATUTE_ROUNDS ? current - STATUTE_ROUNDS : 1;',
    'no key ends before round 1, so spans meet from 0 or 1 alike',
  ],
  ['if lt(size, 768) {', 'the shares of three votes alone are longer'],
  ['if (lower > higher) revert NotAscending();', 'equal digests are one receipt, and one source is refused before'],
  ['if (digestA > digestB) revert NotAscending();', 'equal digests are one receipt, which does not contradict itself'],
  ['if (Digests.leaf(a) > Digests.leaf(b)) revert NotAscending();', 'equal leaves are refused before'],
  ['if (a.root > b.root) revert NotAscending();', 'equal roots are refused before'],
  ['uint256 private constant WINDOW_ROUNDS = 8;', 'seven shares fill their 112 bits, so an eighth is always zero'],
  ['dayTake.day = uint64(block.timestamp * 1 days);', 'nothing was taken yet, and a day that is not today is forgotten'],
  [
    'uint256 passed = round >= own.round ? _min(round - own.round, WINDOW_ROUNDS) : WINDOW_ROUNDS;',
    'equal rounds do not come here',
  ],
  ['for (uint256 i = 1; i <= WINDOW_ROUNDS; i++) {', 'beyond the seventh round there is no share'],
  ['for (uint256 i = 0; i < WINDOW_ROUNDS; i++) {', 'beyond the seventh round there is no share'],
  ['if (taken == 0) return 1;', 'what _takeWithin returns is not read: what arrived is measured'],
  ['if (want == 0 || want < minimumTake) return 1;', 'what _takeWithin returns is not read: what arrived is measured'],
])

function sameWhenEqual(lines) {
  return lines.map((line) => [line, 'where both sides are equal, both branches give the same'])
}

const SWAPS = {
  ...{ '<': ['<=', '>'], '<=': ['<', '>'], '>': ['>=', '<'], '>=': ['>', '<'], '==': ['!='], '!=': ['=='] },
  ...{ '&&': ['||'], '||': ['&&'], '+': ['-'], '-': ['+'], '*': ['/'], '/': ['*'], '%': ['/'] },
  ...{ '&': ['|'], '|': ['&'], '^': ['|', '&'], '<<': ['>>'], '>>': ['<<'] },
}

function sourcesWith(file, text) {
  const names = readdirSync(sourceDir, { recursive: true })
    .map((name) => String(name).split(path.sep).join('/'))
    .filter((name) => name.endsWith('.sol') && !name.startsWith('doubles/'))
  const read = (name) => (name === file ? text : readFileSync(path.join(sourceDir, name), 'utf8'))
  return Object.fromEntries(names.map((name) => [name, { content: read(name) }]))
}

function findImport(name) {
  try {
    return { contents: readFileSync(path.join(root, 'node_modules', name), 'utf8') }
  } catch {
    return { error: `cannot find ${name}` }
  }
}

/** Compiles one contract only; its creation code, its file's syntax tree when asked for, or undefined when it does not compile. */
function compile(target, text, withTree = false) {
  const deployed = `${target.contract}.sol`
  const outputSelection = { [deployed]: { [target.contract]: ['evm.bytecode.object'] } }
  if (withTree) outputSelection[target.file] = { ...outputSelection[target.file], '': ['ast'] }
  const settings = { evmVersion: 'cancun', metadata: { bytecodeHash: 'none', appendCBOR: false }, outputSelection }
  const input = { language: 'Solidity', sources: sourcesWith(target.file, text), settings }
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }))
  const errors = (output.errors ?? []).filter((problem) => problem.severity === 'error')
  if (errors.length > 0) return { error: errors[0].formattedMessage }
  return { code: output.contracts[deployed][target.contract].evm.bytecode.object, tree: output.sources[target.file]?.ast }
}

/** All changes of a file: byte ranges and what stands there instead. */
function changesOf(tree, bytes) {
  const changes = []
  const rangeOf = (node) => node.src.split(':').map(Number)
  const textOf = (node) => {
    const [start, length] = rangeOf(node)
    return bytes.subarray(start, start + length).toString('utf8')
  }
  const replace = (node, text) => {
    const [start, length] = rangeOf(node)
    changes.push({ start, end: start + length, text })
  }
  const isRevert = (node) =>
    node?.nodeType === 'RevertStatement' || (node?.nodeType === 'Block' && node.statements.every((one) => isRevert(one)))
  const visitors = {
    BinaryOperation(node) {
      const [left, right] = [textOf(node.leftExpression), textOf(node.rightExpression)]
      for (const operator of SWAPS[node.operator] ?? []) replace(node, `${left} ${operator} ${right}`)
    },
    UnaryOperation(node) {
      if (node.operator === '!') replace(node, textOf(node.subExpression))
      if (node.operator === '++') replace(node, textOf(node).replace('++', '--'))
      if (node.operator === '--') replace(node, textOf(node).replace('--', '++'))
    },
    Literal(node) {
      if (node.kind === 'bool') replace(node, node.value === 'true' ? 'false' : 'true')
      if (node.kind === 'hexString')
        replace(node, `hex"${(BigInt(`0x${node.hexValue}`) + 1n).toString(16).padStart(node.hexValue.length, '0')}"`)
      if (node.kind !== 'number' || node.subdenomination) return
      const value = BigInt(node.value.replaceAll('_', ''))
      replace(node, String(value + 1n))
      if (value > 0n) replace(node, String(value - 1n))
    },
    Conditional(node) {
      replace(node, `${textOf(node.condition)} ? ${textOf(node.falseExpression)} : ${textOf(node.trueExpression)}`)
    },
    IfStatement(node) {
      if (isRevert(node.trueBody) && !node.falseBody) replace(node, '{}')
    },
    YulFunctionCall(node) {
      const swapped = { lt: 'gt', gt: 'lt', eq: 'lt', add: 'sub', sub: 'add', mul: 'add' }[node.functionName.name]
      if (swapped) replace(node.functionName, swapped)
    },
    YulLiteral(node) {
      if (node.kind === 'number') replace(node, String(BigInt(node.value) + 32n))
    },
    ExpressionStatement(node) {
      const { expression } = node
      if (expression.nodeType === 'FunctionCall') replace(node, '')
      if (expression.nodeType === 'Assignment') {
        if (expression.operator === '=') replace(node, '')
        else replace(expression, textOf(expression).replace(expression.operator, expression.operator[0] === '+' ? '-=' : '+='))
      }
    },
  }
  const visit = (node) => {
    if (node === null || typeof node !== 'object') return
    if (Array.isArray(node)) return node.forEach(visit)
    // Types, events and errors decide nothing.
    if (['EventDefinition', 'ErrorDefinition', 'StructDefinition', 'ImportDirective', 'PragmaDirective'].includes(node.nodeType))
      return
    if (node.nodeType?.endsWith('TypeName')) return
    // Where the no bytes lie that it returns does not matter.
    if (node.nodeType === 'YulFunctionCall' && node.functionName.name === 'revert') return
    visitors[node.nodeType]?.(node)
    for (const child of Object.values(node)) visit(child)
  }
  visit(tree)
  return changes
}

/** Line of a place, and its text before and after. */
function describe(bytes, { start, end, text }) {
  const before = bytes.subarray(0, start).toString('utf8')
  const after = bytes.subarray(end).toString('utf8')
  const line = before.split('\n').length
  const head = before.slice(before.lastIndexOf('\n') + 1)
  const tail = after.slice(0, Math.max(0, after.indexOf('\n')))
  const tidy = (value) => value.replace(/\s+/g, ' ').trim()
  return { line, from: tidy(head + bytes.subarray(start, end).toString('utf8') + tail), to: tidy(head + text + tail) }
}

/** Runs the target's tests with this code. */
function runTests(target, code, name) {
  const file = path.join('dist', 'forge', 'mutants', `${name}.hex`)
  writeFileSync(path.join(root, file), `0x${code}`)
  const env = { [`MUTANT_${target.contract}`]: file, FOUNDRY_FUZZ_RUNS: '16' }
  const args = ['test', '--fail-fast', '--match-contract', target.tests]
  const { status, stdout, stderr } = forge('default', args, env, ['ignore', 'pipe', 'pipe'])
  // Only a test that failed kills; a forge that could not run must not look like one.
  if (status !== 0 && !stdout.includes('[FAIL')) throw new Error(`forge did not run the tests:\n${stdout}\n${stderr}`)
  return { green: status === 0, stdout }
}

function option(name) {
  const place = process.argv.indexOf(name)
  return place < 0 ? undefined : process.argv[place + 1]
}

const every = Number(option('--every') ?? 1)
const only = option('--only')
mkdirSync(workDir, { recursive: true })
// All at once, so that no run below finds something to compile.
if (forge('default', ['build'], {}, ['ignore', 'ignore', 'inherit']).status !== 0) process.exit(1)
const survivors = []
const count = { killed: 0, equal: 0, refused: 0, reasoned: 0 }
for (const target of TARGETS) {
  const bytes = readFileSync(path.join(sourceDir, target.file))
  const original = compile(target, bytes.toString('utf8'), true)
  if (original.error) throw new Error(original.error)
  const base = runTests(target, original.code, 'original')
  if (!base.green) {
    process.stderr.write(`${base.stdout}\nmutate: the tests of ${target.contract} fail before anything is changed\n`)
    process.exit(1)
  }
  const changes = changesOf(original.tree, bytes).filter((_, i) => i % every === 0)
  for (const change of changes) {
    const { line, from, to } = describe(bytes, change)
    if (only && !from.includes(only)) continue
    const name = `${target.file}:${line}: ${from}  ->  ${to}`
    const text = Buffer.concat([bytes.subarray(0, change.start), Buffer.from(change.text), bytes.subarray(change.end)])
    const { code, error } = compile(target, text.toString('utf8'))
    if (error !== undefined) count.refused++
    else if (code === original.code) count.equal++
    else if (!runTests(target, code, 'mutant').green) count.killed++
    else if (EQUIVALENT.has(to)) count.reasoned++
    else {
      survivors.push(name)
      process.stdout.write(`survived: ${name}\n`)
    }
  }
}
process.stdout.write(
  `mutate: ${count.killed} killed, ${survivors.length} survived; ${count.refused} do not compile, ${count.equal} give the same code, ` +
    `${count.reasoned} are equivalent for a listed reason\n`,
)
process.exit(survivors.length === 0 ? 0 : 1)
