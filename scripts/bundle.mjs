// The esbuild options that every bundle shares: the program and the benchmarks.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

export const BUNDLE = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  logLevel: 'warning',
  // Native modules, and those that find files beside their own: presets, WebAssembly.
  external: ['sharp', 'level', 'classic-level', 'fluent-ffmpeg', 'tiny-secp256k1', 'playwright-core'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
}

/** Bundles one TypeScript file. */
export async function bundle(entry, outfile, options = {}) {
  await build({ ...BUNDLE, entryPoints: [entry], outfile, ...options })
}

/** Bundles one TypeScript file, runs it with these arguments, and ends with its exit code. */
export async function bundleAndRun(entry, outfile, args, options = {}) {
  await bundle(entry, outfile, options)
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', outfile, ...args], { cwd: ROOT, stdio: 'inherit' })
  process.exit(status ?? 1)
}
