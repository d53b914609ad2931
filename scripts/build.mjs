// One bundle per command (lazy chunks), so that `--help` starts at once; and what others import.
import { readFileSync, rmSync } from 'node:fs'
import { build } from 'esbuild'
import { BUNDLE, ROOT } from './bundle.mjs'
import { writePackage } from './package.mjs'

const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'))

rmSync(`${ROOT}dist/app`, { recursive: true, force: true })
await build({
  ...BUNDLE,
  entryPoints: ['src/main.ts'],
  outdir: 'dist/app',
  splitting: true,
  legalComments: 'none',
  define: { FISHERMAN_VERSION: JSON.stringify(version) },
})
writePackage()
