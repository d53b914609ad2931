import { constants, PerformanceObserver } from 'node:perf_hooks'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createYoungCollector } from '../../src/sidecar/young.ts'

it('young garbage is collected once for each two MiB that passed, and never while a piece is being passed on', async () => {
  let collected = 0
  const { passed } = createYoungCollector(() => void collected++)
  for (let i = 0; i < 31; i++) passed(65_536)
  await turn()
  expect(collected).toBe(0)
  for (let i = 0; i < 40; i++) passed(65_536)
  expect(collected).toBe(0)
  await turn()
  expect(collected).toBe(1)
  // What came in between was collected with it.
  for (let i = 0; i < 31; i++) passed(65_536)
  await turn()
  expect(collected).toBe(1)
  passed(65_536)
  await turn()
  expect(collected).toBe(2)
})

it("is V8's own collection of the young, and of nothing else", async () => {
  const kinds: number[] = []
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) kinds.push((entry as unknown as { detail: { kind: number } }).detail.kind)
  })
  observer.observe({ entryTypes: ['gc'] })
  const { passed } = createYoungCollector()
  for (let i = 0; i < 20; i++) {
    passed(2 << 20)
    await turn()
  }
  const minor = () => kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MINOR).length
  // Half of them: a collector that is not there makes one or none.
  for (let tries = 0; minor() < 10 && tries < 200; tries++) await wait(10)
  observer.disconnect()
  expect(minor()).toBeGreaterThanOrEqual(10)
})
