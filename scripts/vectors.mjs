// Makes the golden vectors in proofs/vectors: `node scripts/vectors.mjs [--check]`.
import { spawnSync } from 'node:child_process'
import { build } from 'esbuild'
import { BUNDLE, ROOT } from './bundle.mjs'

await build({ ...BUNDLE, entryPoints: ['test/vectors/write.ts'], outfile: 'dist/vectors.mjs' })
const { status } = spawnSync(process.execPath, ['--enable-source-maps', 'dist/vectors.mjs', ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
})
process.exit(status ?? 1)
