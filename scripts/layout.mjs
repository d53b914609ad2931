// Writes events and storage layout of the contracts into proofs/contracts/README.md, between its marks; `--check` only compares, exit 1 when it differs.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { forge } from './forge.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const page = path.join(root, 'proofs', 'contracts', 'README.md')
const NAMES = ['FishermanVerifier', 'FishermanRegistry', 'SecurityDeposit', 'SignerDelegation', 'MultisigDecoderOracle']
const WITHOUT = ['ReceiptAnchor', 'FaultVerifier', 'SecurityDepositSlasher', 'LivepeerBondSlasher', 'NullSlasher', 'LocalRounds']

function artifactOf(name, file = name) {
  return JSON.parse(readFileSync(path.join(root, 'dist', 'forge', 'out', `${file}.sol`, `${name}.json`), 'utf8'))
}

/** Puts text between the two marks of this name. */
function fill(whole, name, body) {
  const [begin, end] = [`<!-- ${name}: written by scripts/layout.mjs -->`, `<!-- end of ${name} -->`]
  const [head, rest] = whole.split(begin)
  const tail = rest?.split(end)[1]
  if (tail !== undefined) return `${head}${begin}\n\n${body}\n${end}${tail}`
  process.stderr.write(`layout: the marks of ${name} are missing in ${path.relative(root, page)}\n`)
  process.exit(1)
}

/** Events as Solidity writes them; `indexed` can be searched for. */
function eventsOf(name) {
  const { abi } = artifactOf(name)
  const written = abi
    .filter(({ type }) => type === 'event')
    .map((event) => {
      const inputs = event.inputs.map(({ type, indexed, name: label }) => `${type}${indexed ? ' indexed' : ''} ${label}`)
      return `- \`${event.name}(${inputs.join(', ')})\``
    })
  return [`#### ${name}`, '', ...written.sort(), ''].join('\n')
}

/** A type as Solidity writes it, without the contract that it comes from. */
function typeOf(layout, id) {
  return layout.types[id].label.replace(/\b(struct|enum|contract) (\w+\.)*/g, '')
}

function tableOf(name) {
  const layout = artifactOf(name).storageLayout
  const row = (prefix, { slot, offset, label, type }) =>
    `| ${prefix}${slot} | ${offset} | ${layout.types[type].numberOfBytes} | \`${label}\` | \`${typeOf(layout, type)}\` |`
  const structs = Object.values(layout.types).filter((type) => type.members && type.members.length > 0)
  return [
    `#### ${name}`,
    '',
    '| slot | byte | bytes | name | type |',
    '|---|---|---|---|---|',
    ...layout.storage.map((item) => row('', item)),
    ...structs.flatMap((type) =>
      type.members.map((member) =>
        row('+', { ...member, label: `${type.label.replace(/^struct (\w+\.)*/, '')}.${member.label}` }),
      ),
    ),
    '',
  ].join('\n')
}

if (forge('default', ['build'], {}, ['ignore', 'ignore', 'inherit']).status !== 0) process.exit(1)
const stateful = WITHOUT.filter((name) => {
  const file = name.endsWith('Slasher') ? 'Slashers' : name
  const artifact = artifactOf(name, file)
  // ReceiptAnchor inherits two strings for names too long to be immutable; ours are short, and they stay empty.
  return artifact.storageLayout.storage.some(({ label }) => !label.endsWith('Fallback'))
})
if (stateful.length > 0) {
  process.stderr.write(`layout: ${stateful.join(', ')} has storage now; add it to the tables of scripts/layout.mjs\n`)
  process.exit(1)
}
const none = `No storage at all: ${WITHOUT.join(', ')}.`
const text = readFileSync(page, 'utf8')
const made = fill(fill(text, 'events', NAMES.map(eventsOf).join('\n')), 'layout', `${NAMES.map(tableOf).join('\n')}\n${none}\n`)
if (process.argv.includes('--check')) {
  if (made !== text) process.stderr.write('layout: the tables are not those of the contracts; run node scripts/layout.mjs\n')
  process.exit(made === text ? 0 : 1)
}
writeFileSync(page, made)
