// Bundles one benchmark of test/bench and runs it: `node scripts/bench.mjs <name> [arguments]`. One that starts programs of its own finds
// `<name>-node.ts` bundled beside it.
import { cpSync, existsSync } from 'node:fs'
import path from 'node:path'
import { bundle, bundleAndRun, ROOT } from './bundle.mjs'

const [name, ...args] = process.argv.slice(2)
const child = `test/bench/${name}-node.ts`

if (existsSync(path.join(ROOT, child))) await bundle(child, `dist/bench/${name}-node.mjs`)
if (name === 'sidecar') await bundle('src/sidecar/draft-thread.ts', 'dist/bench/sidecar-thread.mjs')
// The page's files lie beside the code that serves them.
if (name === 'page') cpSync(path.join(ROOT, 'src/observe/page'), path.join(ROOT, 'dist/bench/page'), { recursive: true })
await bundleAndRun(`test/bench/${name}.ts`, `dist/bench/${name}.mjs`, args)
