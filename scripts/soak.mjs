// Bundles the soak test and runs it: `npm run test:soak -- --minutes 30`.
import { bundleAndRun } from './bundle.mjs'

await bundleAndRun('test/soak/main.ts', 'dist/test/soak.mjs', process.argv.slice(2), { packages: 'external' })
