import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'
import type { Span } from './log-scan.ts'

/** Where spans survive a restart. Losing them costs a new scan, nothing else. */
export interface SpanStore {
  /** Spans without a gap, oldest first; none when the file is of another chain or filter. */
  load(): Promise<Span[]>
  append(span: Span): Promise<void>
  replace(spans: readonly Span[]): Promise<void>
}

const hex = z.string().regex(/^0x[0-9a-f]*$/) as unknown as z.ZodType<Hex>
const height = z
  .string()
  .regex(/^[0-9]{1,19}$/)
  .transform(BigInt)
const schema = z.object({
  from: height,
  to: height,
  hash: hex,
  logs: z.array(
    z.object({
      address: hex,
      topics: z.array(hex),
      data: hex,
      blockNumber: height,
      blockHash: hex,
      logIndex: z.number().int().min(0),
      tx: hex,
    }),
  ),
})

/**
 * One JSON line for each span, after a first line that says whose they are. A line that a crash cut short, or that somebody changed, ends
 * what counts; the rest is read from the chain again.
 */
export function openSpanFile(file: string, identity: string): SpanStore {
  const header = `${JSON.stringify({ version: 1, identity })}\n`

  async function replace(spans: readonly Span[]): Promise<void> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(`${file}.part`, header + spans.map(lineOf).join(''))
    await rename(`${file}.part`, file)
  }

  return {
    replace,
    async load() {
      const text = await readFile(file, 'utf8').catch(() => '')
      const spans: Span[] = []
      const lines = text.startsWith(header) ? text.slice(header.length).split('\n') : []
      // After the last line end there is nothing, or what a crash left of a line.
      for (const line of lines.slice(0, -1)) {
        const span = parse(line)
        const last = spans.at(-1)
        if (!span || span.to < span.from || (last && span.from !== last.to + 1n)) break
        spans.push(span)
      }
      // Appending behind a broken line would lose what is appended.
      if (spans.length !== lines.length - 1 || lines.at(-1) !== '') await replace(spans)
      return spans
    },
    append: (span) => appendFile(file, lineOf(span)),
  }
}

function lineOf(span: Span): string {
  return `${JSON.stringify(span, (_, value) => (typeof value === 'bigint' ? value.toString() : value))}\n`
}

function parse(line: string): Span | undefined {
  try {
    const result = schema.safeParse(JSON.parse(line))
    return result.success ? result.data : undefined
  } catch {
    return undefined
  }
}
