import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { StatementKind } from '../../proofs/codec.ts'
import type { Outcome } from '../../proofs/types.ts'
import type { ActionResult, AlarmKind } from '../chain/types.ts'
import { CATALOG, type Drop, knownSeries, type MetricKey, type MetricSpec } from './catalog.ts'

/** Value of one series; labels by name. */
export interface Reading {
  labels?: Readonly<Record<string, string>>
  value: number
}

/** What is read when somebody asks; an absent key has no series at all. Totals must never fall while the process lives. */
export type Readings = Partial<Record<MetricKey, number | readonly Reading[]>>

/** Numbers that the daemon counts; labels are bounded sets (outcomes, kinds, codes), never messages. */
export interface Metrics {
  drawn(samples: number): void
  receipts(count: number): void
  verdict(outcome: Outcome, delaySec?: number): void
  checkMs(depth: 'check' | 'prove', ms: number): void
  dropped(what: Drop): void
  badFeed(code: string): void
  statement(direction: 'sent' | 'received', kind: StatementKind): void
  transaction(action: string, status: ActionResult['status']): void
  /** A suspect moved stake or keys. */
  alarm(kind: AlarmKind): void
  /** Says what is read at each scrape; must be quick, and what it throws shows as a scrape that failed. */
  readings(read: () => Readings): void
  /** Prometheus text. */
  render(): Promise<string>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  // Memory, processor, event loop, handles: what a long run is judged by.
  collectDefaultMetrics({ register: registry })
  const of = (key: MetricKey) => {
    const { name, help, labels = {}, buckets }: MetricSpec = CATALOG[key]
    return { name, help, labelNames: Object.keys(labels), registers: [registry], ...(buckets ? { buckets: [...buckets] } : {}) }
  }
  const counters = new Map<MetricKey, Counter>()
  // A series that begins with its first event hides that event from whoever asks for an increase.
  const counter = (key: MetricKey) => {
    const made = new Counter(of(key))
    for (const labels of knownSeries(CATALOG[key])) made.inc(labels, 0)
    counters.set(key, made)
    return made
  }
  const histogram = (key: MetricKey) => {
    const made = new Histogram(of(key))
    for (const labels of knownSeries(CATALOG[key])) made.zero(labels)
    return made
  }
  const drawn = counter('drawn')
  const receipts = counter('receipts')
  const verdicts = counter('verdicts')
  const drops = counter('dropped')
  const feeds = counter('feedErrors')
  const statements = counter('statements')
  const transactions = counter('transactions')
  const alarms = counter('alarms')
  const seconds = histogram('checkSeconds')
  const delays = histogram('verdictDelay')
  const counted = new Set<MetricKey>([...counters.keys(), 'checkSeconds', 'verdictDelay'])
  /** All others are read when somebody asks; a total that somebody else counts is shown as the counter that it is. */
  const read = new Map(
    (Object.keys(CATALOG) as MetricKey[])
      .filter((key) => !counted.has(key))
      .map((key) => [key, CATALOG[key].kind === 'counter' ? new Counter(of(key)) : new Gauge(of(key))]),
  )
  let source: () => Readings = () => ({})

  function take(): void {
    const readings = source()
    for (const [key, metric] of read) {
      metric.reset()
      const found = readings[key]
      const series: readonly Reading[] = typeof found === 'number' ? [{ value: found }] : (found ?? [])
      // A metric without labels stands at 0 after a reset: where nothing is known, nothing is said.
      if (series.length === 0 && !isLabelled(key)) metric.remove()
      for (const { labels = {}, value } of series)
        if (metric instanceof Gauge) metric.set(labels, value)
        else metric.inc(labels, value)
    }
  }

  return {
    drawn: (samples) => drawn.inc(samples),
    receipts: (count) => receipts.inc(count),
    verdict(outcome, delaySec) {
      verdicts.inc({ outcome })
      if (delaySec !== undefined) delays.observe(Math.max(0, delaySec))
    },
    checkMs: (depth, ms) => seconds.observe({ depth }, ms / 1000),
    dropped: (what) => drops.inc({ what }),
    badFeed: (code) => feeds.inc({ code }),
    statement: (direction, kind) => statements.inc({ direction, kind }),
    transaction: (action, status) => transactions.inc({ action, status }),
    alarm: (kind) => alarms.inc({ kind }),
    readings(next) {
      source = next
    },
    async render() {
      take()
      return await registry.metrics()
    },
  }
}

function isLabelled(key: MetricKey): boolean {
  const { labels }: MetricSpec = CATALOG[key]
  return labels !== undefined
}
