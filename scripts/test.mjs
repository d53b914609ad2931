// Type check, lint, Solidity tests, then every other test. Each part runs even when an earlier one failed, so that one run shows everything.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const chosen = process.argv.slice(2)
const vitest = ['node_modules/vitest/vitest.mjs', 'run']
// Networks of nodes and of processes go last and one by one: beside other tests, two cores would show how the machine is doing, not the program.
const networks = ['test/demo', 'test/crash', 'test/node', 'test/monitor', 'test/soak']
const tests =
  chosen.length > 0
    ? [['tests', [...vitest, ...chosen]]]
    : [
        ['tests', [...vitest, ...networks.flatMap((folder) => ['--exclude', `${folder}/**`])]],
        ['networks', [...vitest, ...networks, '--maxWorkers=1']],
      ]
const parts = [
  ['types', ['node_modules/typescript/bin/tsc', '--noEmit']],
  ['lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '.']],
  ...(chosen.length > 0
    ? []
    : [
        ['contracts', ['scripts/forge.mjs', 'quick']],
        ['layout', ['scripts/layout.mjs', '--check']],
      ]),
  ...tests,
]
const failed = parts.filter(([name, args]) => {
  process.stdout.write(`== ${name}\n`)
  return spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status !== 0
})
if (failed.length > 0) {
  process.stdout.write(`failed: ${failed.map(([name]) => name).join(', ')}\n`)
  process.exit(1)
}
