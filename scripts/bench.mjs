// Bundles one benchmark of test/bench and runs it: `node scripts/bench.mjs <name> [arguments]`.
import { bundleAndRun } from './bundle.mjs'

const [name, ...args] = process.argv.slice(2)

await bundleAndRun(`test/bench/${name}.ts`, `dist/bench/${name}.mjs`, args)
