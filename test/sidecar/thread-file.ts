import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

/** The thread of the sidecar as JavaScript, as the build makes it. */
export async function buildThread(folder: string): Promise<URL> {
  const outfile = join(folder, 'draft-thread.mjs')
  const require = 'const require = createRequire(import.meta.url);'
  await build({
    entryPoints: [fileURLToPath(new URL('../../src/sidecar/draft-thread.ts', import.meta.url))],
    ...{ outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20.19', logLevel: 'warning' },
    external: ['sharp', 'level', 'classic-level', 'fluent-ffmpeg', 'tiny-secp256k1'],
    banner: { js: `import { createRequire } from 'node:module'; ${require}` },
  })
  return pathToFileURL(outfile)
}
