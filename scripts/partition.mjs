// The partition of the network tests, for five minutes: `npm run test:partition -- 300`.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const seconds = process.argv[2] ?? '300'
if (!(Number(seconds) > 0)) {
  process.stderr.write(`partition: '${seconds}' is no number of seconds\n`)
  process.exit(2)
}
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', 'test/node/partition.test.ts', '-t', 'two halves'],
  { cwd: root, stdio: 'inherit', env: { ...process.env, PARTITION_SECONDS: seconds } },
)
process.exit(status ?? 1)
