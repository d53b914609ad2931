// The esbuild options that every bundle shares: the program and the benchmarks.
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

export const BUNDLE = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  logLevel: 'warning',
  // Native modules, and fluent-ffmpeg, which finds its presets beside its own files.
  external: ['sharp', 'level', 'classic-level', 'fluent-ffmpeg'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
}
