import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { deadline, sleep, withEither } from '../../src/base/clock.ts'

const left = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

describe('a deadline', () => {
  it('fires in time, as a time-out, and leaves nothing at its parent', async () => {
    const parent = new AbortController()
    const signals = Array.from({ length: 30 }, () => deadline(20, parent.signal))
    expect(left(parent.signal)).toBe(30)
    await sleep(60)
    expect(signals.map(({ aborted, reason }) => [aborted, reason.name])).toEqual(Array(30).fill([true, 'TimeoutError']))
    expect(left(parent.signal)).toBe(0)
  })

  it('fires with its parent, with its reason, also where that has fired before', () => {
    const parent = new AbortController()
    const signal = deadline(60_000, parent.signal)
    expect(signal.aborted).toBe(false)
    parent.abort(new Error('enough'))
    expect([signal.reason, deadline(60_000, parent.signal).reason]).toEqual(Array(2).fill(new Error('enough')))
    expect(left(parent.signal)).toBe(0)
  })

  it('needs no parent', async () => {
    const signal = deadline(10)
    await sleep(40)
    expect(signal.reason.name).toBe('TimeoutError')
  })
})

describe('work under either of two signals', () => {
  it('ends with the first, and leaves nothing at them', async () => {
    const [one, two] = [new AbortController(), new AbortController()]
    const work = withEither([one.signal, two.signal], (signal) => sleep(60_000, signal))
    two.abort(new Error('the second'))
    await expect(work).rejects.toThrow('the second')
    expect(await withEither([one.signal], async (signal) => signal.aborted)).toBe(false)
    expect(await withEither([one.signal, two.signal], async (signal) => signal.reason.message)).toBe('the second')
    expect([left(one.signal), left(two.signal)]).toEqual([0, 0])
  })
})
