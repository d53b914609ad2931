import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { vectorFiles } from './all.ts'

// Writes the golden vectors, or with --check says which of the committed ones are not what is made today, with exit code 1.

const folder = join(process.cwd(), 'proofs', 'vectors')
const isCheck = process.argv.includes('--check')
const other: string[] = []
for (const [name, text] of await vectorFiles()) {
  const file = join(folder, name)
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) continue
  other.push(name)
  if (!isCheck) await writeFile(file, text)
}
if (isCheck && other.length > 0) {
  console.error(`not what the code makes: ${other.join(', ')}. A signed format never changes; npm run vectors writes what is new`)
  process.exitCode = 1
} else console.log(other.length === 0 ? 'vectors: nothing changed' : `vectors: wrote ${other.join(', ')}`)
