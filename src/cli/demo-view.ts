import { systemClock } from '../base/clock.ts'
import type { DemoView } from '../devnet/demo.ts'
import { table } from '../devnet/demo-report.ts'
import { convictionOf, type Standing } from '../devnet/expectations.ts'

const HEADINGS = ['', 'receipts', 'checked', 'pass', 'fail', 'inconclusive', 'withheld', 'convicted']

/** On a terminal a table that stays in its place under the events; elsewhere one line for each event. */
export function createDemoView(stream: NodeJS.WriteStream): DemoView & { end(): void } {
  const startMs = systemClock.monotonicMs()
  const live = stream.isTTY === true
  let shown = 0
  const clear = () => {
    if (shown > 0) stream.write(`\u001b[${shown}A\u001b[J`)
    shown = 0
  }
  const seconds = () => `${Math.floor((systemClock.monotonicMs() - startMs) / 1000)} s`.padStart(5)
  let last: string | undefined
  const draw = () => {
    if (last === undefined) return
    stream.write(last)
    shown = last.split('\n').length - 1
  }
  return {
    event(text) {
      clear()
      stream.write(`${seconds()}  ${text}\n`)
      draw()
    },
    standings(list, phase) {
      if (!live) return
      clear()
      last = `\n${seconds()}  ${phase}\n${table([HEADINGS, ...list.map(row)])}`
      // A line that wraps would shift everything that is drawn over it.
      const width = stream.columns ?? 80
      last = last
        .split('\n')
        .map((line) => line.slice(0, width - 1))
        .join('\n')
      draw()
    },
    end() {
      last = undefined
      clear()
    },
  }
}

function row(standing: Standing): string[] {
  const { behaviour, receipts, checked, pass, fail, inconclusive, withheld } = standing
  return [
    behaviour,
    ...[receipts, checked, pass, fail, inconclusive, withheld].map(String),
    convictionOf(standing)?.faultClass ?? '',
  ]
}
