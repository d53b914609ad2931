import { readFileSync, statSync } from 'node:fs'

/** Text of a file with secrets. Throws where anybody but its owner may read it. */
export function readOwnersFile(file: string): string {
  if ((statSync(file).mode & 0o077) !== 0) throw new Error('others can read it: chmod 600')
  return readFileSync(file, 'utf8')
}
