// Makes the golden vectors in proofs/vectors: `node scripts/vectors.mjs [--check]`.
import { bundleAndRun } from './bundle.mjs'

await bundleAndRun('test/vectors/write.ts', 'dist/vectors.mjs', process.argv.slice(2))
