// Bundles the long fuzz test of messages and runs it: `npm run test:fuzz -- --runs 100000`.
import { bundleAndRun } from './bundle.mjs'

await bundleAndRun('test/gossip/fuzz-deep.ts', 'dist/test/fuzz.mjs', process.argv.slice(2), { packages: 'external' })
