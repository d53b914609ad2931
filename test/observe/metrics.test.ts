import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { CATALOG, type MetricSpec, metricsReference, ORCHESTRATORS_SHOWN } from '../../src/observe/catalog.ts'
import { createMetrics } from '../../src/observe/metrics.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const file = (path: string) => readFileSync(join(root, path), 'utf8')
const specs = Object.values<MetricSpec>(CATALOG)

describe('metrics', () => {
  it('count by label', async () => {
    const metrics = createMetrics()
    metrics.alarm('thawing')
    metrics.alarm('thawing')
    metrics.alarm('unbond')
    metrics.verdict('pass', 42)
    const text = await metrics.render()
    expect(text).toContain('fisherman_alarms_total{kind="thawing"} 2')
    expect(text).toContain('fisherman_alarms_total{kind="unbond"} 1')
    expect(text).toContain('fisherman_verdict_delay_seconds_bucket{le="30"} 0')
    expect(text).toContain('fisherman_verdict_delay_seconds_bucket{le="60"} 1')
  })

  it('begin at 0 for each value that the program knows, so that no first event is missed', async () => {
    const text = await createMetrics().render()
    for (const series of [
      'fisherman_verdicts_total{outcome="fail"}',
      'fisherman_dropped_total{what="check-failed"}',
      'fisherman_dropped_total{what="trust-framing"}',
      'fisherman_alarms_total{kind="signer-revoked"}',
      'fisherman_statements_total{direction="received",kind="fraud-proof"}',
      'fisherman_transactions_total{action="convict",status="already"}',
      'fisherman_check_duration_seconds_count{depth="prove"}',
    ])
      expect(text).toContain(`${series} 0\n`)
    // What only a stranger's answer names has no series before it is there.
    expect(text).not.toMatch(/^fisherman_feed_errors_total/m)
    expect(text.split('\n').filter((line) => line.startsWith('fisherman_')).length).toBeLessThan(200)
  })

  it('are read anew at each scrape; what is not known has no series, and a node that is gone leaves none', async () => {
    const metrics = createMetrics()
    const series = (text: string) =>
      text.split('\n').filter((line) => line.startsWith('fisherman_') && !line.includes('fisherman_gossip'))
    metrics.readings(() => ({ waiting: 3, evidenceScore: [{ labels: { orchestrator: '0x1' }, value: 7.5 }], repaired: 2 }))
    expect(series(await metrics.render())).toEqual(
      expect.arrayContaining(['fisherman_samples_waiting 3', 'fisherman_orchestrator_evidence_score{orchestrator="0x1"} 7.5']),
    )
    metrics.readings(() => ({ evidenceScore: [{ labels: { orchestrator: '0x2' }, value: 1 }], repaired: 5 }))
    const text = await metrics.render()
    expect(text).toContain('fisherman_gossip_repaired_total 5')
    expect(text).toContain('{orchestrator="0x2"} 1')
    expect(text).not.toMatch(/orchestrator="0x1"|fisherman_samples_waiting \d|fisherman_account_balance_coins \d/)
  })

  it('are about fifty, named as Prometheus wants it, each with its help', () => {
    expect(specs.length).toBeGreaterThanOrEqual(40)
    expect(specs.length).toBeLessThanOrEqual(55)
    expect(new Set(specs.map(({ name }) => name)).size).toBe(specs.length)
    for (const { name, kind, help } of specs) {
      expect(name).toMatch(/^fisherman_[a-z_]+$/)
      expect(name.endsWith('_total'), name).toBe(kind === 'counter')
      expect(help.length, name).toBeGreaterThan(12)
    }
  })

  it('stay within their bounds: a thousand orchestrators take a bounded number of series', () => {
    expect(ORCHESTRATORS_SHOWN * 5).toBeLessThanOrEqual(1_000)
  })

  it('have a reference that is the table itself', () => {
    expect(file('src/observe/README.md')).toContain(metricsReference())
  })
})

describe('what is made of them', () => {
  const names = new Set(
    specs.flatMap(({ name, kind }) => (kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name])),
  )
  const used = (text: string) => [...new Set(text.match(/\bfisherman_[a-z_]+/g) ?? [])]
  /** Metric and label of every matcher. */
  const matchers = (text: string) =>
    [...text.matchAll(/\b(fisherman_[a-z_]+)\{([^}]*)\}/g)].flatMap(([, name = '', inside = '']) =>
      [...inside.matchAll(/([a-z_]+)\s*(?:=~|!=|=)/g)].map(([, label = '']) => ({ name, label })),
    )
  const base = (name: string) => name.replace(/_(bucket|sum|count)$/, '')

  it.each(['ops/prometheus/alerts.yml', 'ops/grafana/fisherman.json'])('%s asks only for what there is', (path) => {
    const text = file(path)
    expect(used(text).filter((name) => !names.has(name))).toEqual([])
    for (const { name, label } of matchers(text)) {
      const spec = specs.find((one) => one.name === base(name))
      // Prometheus itself adds the instance.
      expect(['instance', ...Object.keys(spec?.labels ?? {})], name).toContain(label)
    }
  })

  it('each alert says what is wrong and what to do', () => {
    const { groups } = parse(file('ops/prometheus/alerts.yml')) as {
      groups: {
        rules: { alert: string; annotations: { summary: string; description: string }; labels: { severity: string } }[]
      }[]
    }
    const rules = groups.flatMap(({ rules }) => rules)
    expect(rules.length).toBeGreaterThanOrEqual(12)
    for (const { alert, annotations, labels } of rules) {
      expect(annotations.summary.length, alert).toBeGreaterThan(10)
      expect(annotations.description.length, alert).toBeGreaterThan(20)
      expect(labels.severity).toMatch(/^(info|warning|critical)$/)
    }
  })

  // Set-up unpacks it where Debian has it.
  const promtool = ['promtool', join(root, 'dist/tools/promtool')].find((path) => spawnSync(path, ['--version']).status === 0)
  it.skipIf(promtool === undefined)('promtool takes the rules, the configuration, and what is scraped', async () => {
    const options = { cwd: join(root, 'ops/prometheus') }
    const run = (...args: string[]) => execFileSync(promtool ?? '', args, options).toString()
    expect(run('check', 'rules', 'alerts.yml')).toMatch(/SUCCESS: \d+ rules found/)
    expect(run('check', 'config', 'prometheus.yml')).toContain('SUCCESS')
    expect(run('test', 'rules', join(root, 'test/observe/alerts.test.yml'))).toContain('SUCCESS')
    const metrics = createMetrics()
    metrics.verdict('pass', 1)
    metrics.checkMs('check', 900)
    const input = await metrics.render()
    const lint = spawnSync(promtool ?? '', ['check', 'metrics'], { input, encoding: 'utf8' })
    expect(`${lint.stdout}${lint.stderr}`.split('\n').filter((line) => line.startsWith('fisherman_'))).toEqual([])
  })

  it('the dashboard has panels for each part, each with a title, and no datasource but the chosen one', () => {
    const { panels, templating } = JSON.parse(file('ops/grafana/fisherman.json')) as {
      panels: { title: string; type: string; datasource?: { uid: string }; targets?: { expr: string }[] }[]
      templating: { list: { name: string }[] }
    }
    expect(panels.length).toBeGreaterThan(12)
    for (const { title, type, datasource, targets } of panels) {
      expect(title.length).toBeGreaterThan(3)
      if (type === 'row') continue
      expect(datasource?.uid).toBe('$' + '{datasource}')
      expect(targets?.length).toBeGreaterThan(0)
    }
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance'])
  })
})
