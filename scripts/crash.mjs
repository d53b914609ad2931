// Bundles the long crash test and runs it: `npm run test:crash -- --runs 1000`.
import { bundleAndRun } from './bundle.mjs'

await bundleAndRun('test/crash/deep.ts', 'dist/test/crash.mjs', process.argv.slice(2), { packages: 'external' })
