import { Counter, Gauge, Registry } from 'prom-client'

/** Numbers that the daemon counts; labels are bounded sets (outcomes, kinds, codes), never addresses or messages. */
export interface Metrics {
  verdict(outcome: string): void
  checkMs(depth: string, ms: number): void
  dropped(what: string): void
  badFeed(code: string): void
  statement(direction: 'sent' | 'received', kind: string): void
  transaction(action: string, status: string): void
  /** A suspect moved stake or keys. */
  alarm(kind: string): void
  gauges(read: () => { peers: number; waiting: number; running: number; logSize: number; headAgeSec: number }): void
  /** Prometheus text. */
  render(): Promise<string>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers: [registry] })
  const verdicts = counter('fisherman_verdicts_total', 'Verdicts by outcome', ['outcome'])
  const seconds = counter('fisherman_check_seconds_total', 'Wall seconds spent in checks by depth', ['depth'])
  const drops = counter('fisherman_dropped_total', 'Work dropped on overload, by what it was', ['what'])
  const feeds = counter('fisherman_feed_errors_total', 'Feed answers that could not be used, by code', ['code'])
  const statements = counter('fisherman_statements_total', 'Statements by direction and kind', ['direction', 'kind'])
  const transactions = counter('fisherman_transactions_total', 'Chain actions by action and result', ['action', 'status'])
  const alarms = counter('fisherman_alarms_total', 'Moves of stake or keys by suspects, by kind', ['kind'])
  return {
    verdict: (outcome) => verdicts.inc({ outcome }),
    checkMs: (depth, ms) => seconds.inc({ depth }, ms / 1000),
    dropped: (what) => drops.inc({ what }),
    badFeed: (code) => feeds.inc({ code }),
    statement: (direction, kind) => statements.inc({ direction, kind }),
    transaction: (action, status) => transactions.inc({ action, status }),
    alarm: (kind) => alarms.inc({ kind }),
    gauges(read) {
      const gauge = (name: string, help: string, value: () => number) =>
        new Gauge({
          name,
          help,
          registers: [registry],
          collect() {
            this.set(value())
          },
        })
      gauge('fisherman_peers', 'Connected peers', () => read().peers)
      gauge('fisherman_samples_waiting', 'Samples waiting for a check', () => read().waiting)
      gauge('fisherman_checks_running', 'Checks running now', () => read().running)
      gauge('fisherman_log_entries', 'Entries of the proof log', () => read().logSize)
      gauge('fisherman_chain_head_age_seconds', 'Age of the newest block by the wall clock', () => read().headAgeSec)
    },
    render: () => registry.metrics(),
  }
}
