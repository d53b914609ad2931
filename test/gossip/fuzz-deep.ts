import { parseArgs } from 'node:util'
import { STATEMENT_KINDS } from '../../proofs/codec.ts'
import { fuzzKind, prepare } from './fuzz.ts'

const HELP = `npm run test:fuzz -- [options]

Mutates statements of every kind, by byte and by field, and checks that each gets the right answer and leaves nothing behind.

  --runs N    mutated messages in all (default 100000)
  --seed N    of the mutations (default: by chance, and printed)`

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const share = Math.ceil(Number(values.runs) / STATEMENT_KINDS.length)
console.log(`seed ${seed}`)
await prepare()
for (const kind of STATEMENT_KINDS) {
  const { runs, accepted, ignored, rejected } = await fuzzKind(kind, share, seed)
  console.log(`${kind}: ${runs} messages, ${accepted} accepted, ${ignored} ignored, ${rejected} rejected, all of them rightly`)
}
