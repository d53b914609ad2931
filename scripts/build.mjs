// One bundle per command (lazy chunks), so that `--help` starts at once; and what others import.
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { build } from 'esbuild'
import { BUNDLE, ROOT } from './bundle.mjs'
import { writePackage } from './package.mjs'

const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'))

rmSync(`${ROOT}dist/app`, { recursive: true, force: true })
await build({
  ...BUNDLE,
  // The program, what other programs import, and a thread of the program; all take what they share from the same chunks.
  entryPoints: { main: 'src/main.ts', watch: 'src/monitor/watch/library.ts', 'sidecar-thread': 'src/sidecar/draft-thread.ts' },
  outdir: 'dist/app',
  splitting: true,
  legalComments: 'none',
  define: { FISHERMAN_VERSION: JSON.stringify(version) },
})
// The page is served as it is written.
cpSync(`${ROOT}src/observe/page`, `${ROOT}dist/app/page`, { recursive: true })
writePackage()
