import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Interface } from 'ethers'
import ts from 'typescript'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FishermanVerifierAbi } from '../../proofs/contracts/abi.ts'
import { chainPreset } from '../../src/chain/presets.ts'

// The package as somebody else sees it: another project that has it in its node_modules.

const root = fileURLToPath(new URL('../..', import.meta.url))
let project: string
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'fisherman-consumer-'))
  mkdirSync(join(project, 'node_modules'))
  symlinkSync(root, join(project, 'node_modules/fisherman'))
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

it('other programs import the ABIs and the known deployments', () => {
  const code = "import * as all from 'fisherman/contracts'; console.log(JSON.stringify(all))"
  writeFileSync(join(project, 'main.js'), code)
  const all = JSON.parse(execFileSync(process.execPath, [join(project, 'main.js')], { encoding: 'utf8' }))
  for (const name of ['IConvictions', 'FishermanVerifier', 'FishermanRegistry', 'SecurityDeposit', 'SignerDelegation'])
    expect(all[`${name}Abi`].length).toBeGreaterThan(2)
  expect(Object.keys(all).filter((name) => name.startsWith('Double'))).toEqual([])
  expect(new Interface(all.FishermanVerifierAbi).format()).toEqual(new Interface(FishermanVerifierAbi).format())
  const asked = new Interface(all.IConvictionsAbi)
  expect(asked.getFunction('isConvicted(bytes32)')).not.toBeNull()
  expect(asked.getEvent('Convicted')?.topicHash).toBe(new Interface(FishermanVerifierAbi).getEvent('Convicted')?.topicHash)
  for (const [name, { chainId, livepeer }] of Object.entries(
    all.deployments as Record<string, { chainId: number; livepeer: Record<string, string> | null }>,
  )) {
    const preset = chainPreset(name)
    expect(BigInt(chainId)).toBe(preset.chainId)
    expect(livepeer?.token?.toLowerCase()).toBe(preset.existing?.token)
    expect(livepeer?.roundsManager?.toLowerCase()).toBe(preset.existing?.rounds)
    expect(livepeer?.serviceRegistry?.toLowerCase()).toBe(preset.existing?.serviceRegistry)
  }
})

it('typed clients know every function, event and address, and what a watch yields', () => {
  const file = join(project, 'typed.ts')
  const text = `
    import { type WatchedProof, watch } from 'fisherman'
    import { deployments, IConvictionsAbi } from 'fisherman/contracts'
    type Names = Extract<(typeof IConvictionsAbi)[number], { type: 'function' }>['name']
    export const names: Names[] = ['isConvicted', 'convictionsOf']
    // @ts-expect-error there is no such function
    export const wrong: Names = 'convict'
    export async function first(signal: AbortSignal): Promise<WatchedProof | undefined> {
      for await (const proof of watch({ peers: ['x'], chainId: 1n, anchor: '0x', signal })) return proof
      return undefined
    }
    // @ts-expect-error peers are needed
    watch({ chainId: 1, anchor: '0x' })
    export const verifier: \`0x\${string}\` | undefined = deployments['arbitrum-one'].fisherman?.verifier
  `
  writeFileSync(file, text)
  const options = { strict: true, noEmit: true, module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, types: [] }
  const found = ts.getPreEmitDiagnostics(ts.createProgram([file], options))
  expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
})

it('other contracts import the Solidity interface', () => {
  const require = createRequire(join(project, 'main.js'))
  const sol = require.resolve('fisherman/contracts/IConvictions.sol')
  expect(existsSync(sol)).toBe(true)
  const consumer = `// SPDX-License-Identifier: MIT
    pragma solidity ^0.8.28;
    import {IConvictions} from "fisherman/contracts/IConvictions.sol";
    contract Gate {
        function admits(IConvictions court, address node, uint256 since) external view returns (bool) {
            return court.convictionsOf(node, since).length == 0;
        }
    }`
  const solc = createRequire(import.meta.url)('solc') as { compile(input: string, callbacks: object): string }
  const input = {
    language: 'Solidity',
    sources: { 'Gate.sol': { content: consumer } },
    settings: { outputSelection: { '*': { '*': ['abi'] } } },
  }
  const findImport = (name: string) => ({ contents: readFileSync(require.resolve(name), 'utf8') })
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport })) as {
    errors?: unknown
    contracts: object
  }
  expect(output.errors).toBeUndefined()
  expect(Object.keys(output.contracts)).toContain('Gate.sol')
})
