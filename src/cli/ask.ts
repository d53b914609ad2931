import { createInterface } from 'node:readline/promises'
import { usage } from './complain.ts'

/** Asks whether money may be spent. Without a terminal the answer must have been given with --yes. */
export async function agrees(question: string, yes: boolean, signal: AbortSignal): Promise<boolean> {
  if (yes) return true
  if (!process.stdin.isTTY) throw usage('nothing was sent: there is no terminal to ask at; add --yes when this shall be done')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal })).trim())
  } finally {
    terminal.close()
  }
}
