import { expect, it } from 'vitest'
import { createMetrics } from '../../src/observe/metrics.ts'

it('alarms are counted by kind', async () => {
  const metrics = createMetrics()
  metrics.alarm('thawing')
  metrics.alarm('thawing')
  metrics.alarm('unbond')
  const text = await metrics.render()
  expect(text).toContain('fisherman_alarms_total{kind="thawing"} 2')
  expect(text).toContain('fisherman_alarms_total{kind="unbond"} 1')
})
