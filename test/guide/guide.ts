// Reads a guide for people as a script. What is typed stands in blocks of `sh`, what then appears in a block of `text` right behind.

export interface Typed {
  line: string
  /** A line that says "again, until": it is typed anew until what is promised appears. */
  isRepeated: boolean
}

export interface Step {
  /** Line of the guide, for whoever reads a failure. */
  at: number
  terminal: number
  /** The terminal whose program is ended first. */
  interrupts: number | undefined
  typed: Typed[]
  /** Lines in order; the rest of what appears does not matter. */
  promised: string[]
}

interface Block {
  at: number
  language: string
  lines: string[]
  /** Lines of prose between the block before and this one. */
  isAdjacent: boolean
}

function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  let open: Block | undefined
  let isAdjacent = false
  for (const [i, line] of text.split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(line)
    if (open && fence) {
      blocks.push(open)
      open = undefined
      isAdjacent = true
    } else if (open) open.lines.push(line)
    else if (fence) open = { at: i + 1, language: fence[1] ?? '', lines: [], isAdjacent }
    else isAdjacent = false
  }
  if (open) throw new Error(`the block of line ${open.at} has no end`)
  return blocks
}

/** The steps of a guide, in order. Throws at a block that nobody would know how to read. */
export function stepsOf(text: string): Step[] {
  const steps: Step[] = []
  for (const { at, language, lines, isAdjacent } of blocksOf(text)) {
    if (language === 'sh') {
      const step: Step = { at, terminal: 1, interrupts: undefined, typed: [], promised: [] }
      for (const line of lines) {
        const [, terminal] = /^# terminal (\d)$/.exec(line) ?? []
        const [, interrupts] = /^# Ctrl-C in terminal (\d)$/.exec(line) ?? []
        if (terminal) step.terminal = Number(terminal)
        else if (interrupts) step.interrupts = Number(interrupts)
        else if (line.startsWith('#')) throw new Error(`line ${at}: nobody knows what "${line}" means`)
        else step.typed.push({ line, isRepeated: / # again, until /.test(line) })
      }
      steps.push(step)
    } else if (language === 'text') {
      const step = steps.at(-1)
      if (!step || !isAdjacent || step.promised.length > 0) throw new Error(`line ${at}: this appears after nothing`)
      step.promised = lines
    } else throw new Error(`line ${at}: a block must be of sh or text, not "${language}"`)
  }
  return steps
}

/** The first promised line that is not there, in this order; undefined when all are. Spaces count as one. */
export function missingOf(promised: readonly string[], output: string): string | undefined {
  const seen = output.split('\n').map((line) => line.trim().replace(/\s+/g, ' '))
  let from = 0
  for (const line of promised) {
    const parts = line.trim().split(/\s*…\s*/)
    const pattern = new RegExp(
      `^${parts.map((part) => part.replace(/\s+/g, ' ').replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`,
    )
    const found = seen.findIndex((one, i) => i >= from && pattern.test(one))
    if (found < 0) return line
    from = found + 1
  }
  return undefined
}
