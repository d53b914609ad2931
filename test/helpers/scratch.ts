import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made: string[] = []

/** A folder of this test file, gone after its last test: `test/setup.ts` sees to it. */
export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `fisherman-test-${name}-`))
  made.push(folder)
  return folder
}

export function removeScratch(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
}
