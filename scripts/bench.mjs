// Bundles one benchmark of test/bench and runs it: `node scripts/bench.mjs <name> [arguments]`.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const [name, ...args] = process.argv.slice(2)

await build({
  absWorkingDir: root,
  entryPoints: [`test/bench/${name}.ts`],
  outfile: `dist/bench/${name}.mjs`,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  logLevel: 'warning',
  external: ['sharp', 'level', 'classic-level', 'fluent-ffmpeg'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})
const { status } = spawnSync(process.execPath, ['--enable-source-maps', `dist/bench/${name}.mjs`, ...args], {
  cwd: root,
  stdio: 'inherit',
})
process.exit(status ?? 1)
