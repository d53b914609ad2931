// Type check, lint, Solidity tests, then every other test. Each part runs even when an earlier one failed, so that one run shows everything.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const chosen = process.argv.slice(2)
const reports = mkdtempSync(join(tmpdir(), 'fisherman-report-'))
const report = (name) => join(reports, `${name}.json`)
/** A run that shows everything as it goes, and leaves a report from which the end can say what failed. */
const vitest = (name) => [
  ...['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json'],
  `--outputFile.json=${report(name)}`,
]
// Networks of nodes and of processes go last and one by one: beside other tests, two cores would show how the machine is doing, not the program.
const networks = ['test/demo', 'test/crash', 'test/node', 'test/monitor', 'test/guide', 'test/soak']
const tests =
  chosen.length > 0
    ? [['tests', [...vitest('tests'), ...chosen]]]
    : [
        ['tests', [...vitest('tests'), ...networks.flatMap((folder) => ['--exclude', `${folder}/**`])]],
        ['networks', [...vitest('networks'), ...networks, '--maxWorkers=1']],
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
/** What failed in a part, one line each: the end of a long run is what is kept of it. */
function redOf(name) {
  let files
  try {
    files = JSON.parse(readFileSync(report(name), 'utf8')).testResults
  } catch {
    return []
  }
  return files.flatMap(({ name: file, status, message, assertionResults }) => {
    const at = relative(root, file)
    const red = assertionResults.filter(({ status }) => status === 'failed')
    if (red.length === 0) return status === 'failed' ? [`${at}: ${firstLine(message)}`] : []
    return red.map(({ fullName, failureMessages }) => `${at}: ${fullName}: ${firstLine(failureMessages[0])}`)
  })
}

function firstLine(text = '') {
  return text.split('\n', 1)[0].slice(0, 300)
}

const red = failed.flatMap(([name]) => redOf(name))
rmSync(reports, { recursive: true, force: true })
if (failed.length > 0) {
  process.stdout.write(`failed: ${failed.map(([name]) => name).join(', ')}\n${red.map((line) => `  ${line}\n`).join('')}`)
  process.exit(1)
}
