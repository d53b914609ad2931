// Bundles the long crash test and runs it: `npm run test:crash -- --runs 1000`.
import { spawnSync } from 'node:child_process'
import { build } from 'esbuild'
import { BUNDLE, ROOT } from './bundle.mjs'

await build({ ...BUNDLE, entryPoints: ['test/crash/deep.ts'], outfile: 'dist/test/crash.mjs', packages: 'external' })
const { status } = spawnSync(process.execPath, ['--enable-source-maps', 'dist/test/crash.mjs', ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
})
process.exit(status ?? 1)
