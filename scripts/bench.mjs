// Bundles one benchmark of test/bench and runs it: `node scripts/bench.mjs <name> [arguments]`.
import { spawnSync } from 'node:child_process'
import { build } from 'esbuild'
import { BUNDLE, ROOT } from './bundle.mjs'

const [name, ...args] = process.argv.slice(2)

await build({ ...BUNDLE, entryPoints: [`test/bench/${name}.ts`], outfile: `dist/bench/${name}.mjs` })
const { status } = spawnSync(process.execPath, ['--enable-source-maps', `dist/bench/${name}.mjs`, ...args], {
  cwd: ROOT,
  stdio: 'inherit',
})
process.exit(status ?? 1)
