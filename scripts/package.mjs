// What other programs and contracts import from this package: the types of dist/app/watch.js, and dist/contracts/index.js with the ABIs and known deployments, and its types,
// in which every ABI is a literal, so that typed clients know each function and event.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './bundle.mjs'

/** A value as a TypeScript type that has only this value. */
function literal(value) {
  if (Array.isArray(value)) return `readonly [${value.map(literal).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `readonly ${JSON.stringify(key)}: ${literal(inner)}`)
    .join('; ')} }`
}

const PLACES = ['anchor', 'verifier', 'faultVerifier', 'registry', 'deposit', 'delegation', 'rounds', 'serviceRegistry']
const MORE = ['token', 'treasury', 'oracle', 'depositSlasher']

const TYPES = `/** Where the contracts of one network lie; what \`fisherman deploy\` writes. */
export interface Deployment {
  readonly chainId: string
  readonly deployBlock: string
${[...PLACES, ...MORE].map((name) => `  readonly ${name}: \`0x\${string}\``).join('\n')}
  readonly controller?: \`0x\${string}\`
}

export interface Network {
  readonly chainId: number
  /** null until the contracts are there. */
  readonly fisherman: Deployment | null
  /** Livepeer's own contracts; null where there are none. */
  readonly livepeer: Readonly<Record<'controller' | 'bondingManager' | 'roundsManager' | 'ticketBroker' | 'serviceRegistry' | 'token', \`0x\${string}\`>> | null
}

/** Known networks by the name of their preset. */
export declare const deployments: Readonly<Record<'arbitrum-one' | 'arbitrum-sepolia', Network>>
`

export function writePackage() {
  const { contracts } = JSON.parse(readFileSync(join(ROOT, 'dist/contracts.json'), 'utf8'))
  const deployments = JSON.parse(readFileSync(join(ROOT, 'proofs/contracts/deployments.json'), 'utf8'))
  const abis = Object.entries(contracts)
    .filter(([, { double }]) => !double)
    .map(([name, { abi }]) => [`${name}Abi`, abi])
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const folder = join(ROOT, 'dist/contracts')
  mkdirSync(folder, { recursive: true })
  const code = abis.map(([name, abi]) => `export const ${name} = ${JSON.stringify(abi)}\n`)
  writeFileSync(join(folder, 'index.js'), `${code.join('')}export const deployments = ${JSON.stringify(deployments)}\n`)
  const types = abis.map(([name, abi]) => `export declare const ${name}: ${literal(abi)}\n`)
  writeFileSync(join(folder, 'index.d.ts'), `${types.join('')}\n${TYPES}`)
  // The public types import nothing, so their text is their declaration.
  const face = readFileSync(join(ROOT, 'src/monitor/watch/types.ts'), 'utf8')
  writeFileSync(join(ROOT, 'dist/app/watch.d.ts'), `${face}\nexport declare const watch: WatchFunction\n`)
}
