import { describe, expect, it } from 'vitest'
import { repeat, sleep } from '../../src/base/clock.ts'
import { maskCredentials } from '../../src/base/errors.ts'
import { createQueue, type Job } from '../../src/base/queue.ts'

const done: string[] = []
const job = (name: string, priority: number, work: (signal: AbortSignal) => Promise<void> = () => sleep(1)): Job => ({
  priority,
  run: async (signal) => {
    await work(signal)
    done.push(name)
  },
})

describe('work queue', () => {
  it('runs the most urgent first and equal ones in order, never more than allowed', async () => {
    done.length = 0
    let running = 0
    let most = 0
    const queue = createQueue({ concurrency: 2, limit: 10, onError: () => undefined })
    const work = async () => {
      most = Math.max(most, ++running)
      await sleep(2)
      running--
    }
    for (const [name, priority] of [
      ['a', 5],
      ['b', 5],
      ['c', 5],
      ['d', 1],
      ['e', 5],
    ] as const)
      queue.add(job(name, priority, work))
    await queue.idle()
    expect(done).toEqual(['a', 'b', 'd', 'c', 'e'])
    expect(most).toBe(2)
  })

  it('drops the newest of the least urgent when it is full, and never something more urgent', async () => {
    const dropped: Job[] = []
    const queue = createQueue({ concurrency: 1, limit: 2, onError: () => undefined, onDrop: (j) => dropped.push(j) })
    const told: string[] = []
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => ({
      ...job(name, name === 'd' ? 1 : 5),
      dropped: () => void told.push(name),
    }))
    expect([a, b, c].map((j) => queue.add(j as Job))).toEqual([true, true, true])
    expect(queue.add(job('x', 5))).toBe(false)
    expect(queue.add(d as Job)).toBe(true)
    expect(dropped).toEqual([c])
    expect(told).toEqual(['c'])
    await queue.idle()
  })

  it('goes on after a failed job, and stops running ones when it is stopped', async () => {
    const errors: unknown[] = []
    const queue = createQueue({ concurrency: 1, limit: 9, onError: (e) => errors.push(e) })
    queue.add(job('bad', 1, () => Promise.reject(new Error('no'))))
    await queue.idle()
    expect(errors).toHaveLength(1)
    let aborted = false
    queue.add(
      job('long', 1, (signal) =>
        sleep(60_000, signal).catch(() => {
          aborted = true
        }),
      ),
    )
    await queue.stop()
    expect(aborted).toBe(true)
    expect(queue.add(job('late', 1))).toBe(false)
  })
})

describe('repeat', () => {
  it('goes on after a failure and ends with its signal', async () => {
    const stop = new AbortController()
    let turns = 0
    let failures = 0
    await repeat(
      1,
      async () => {
        if (++turns === 5) stop.abort()
        throw new Error('again')
      },
      { signal: stop.signal, onError: () => failures++ },
    )
    expect([turns, failures]).toEqual([5, 4])
  })
})

describe('credentials', () => {
  it('are masked in URLs and nothing else is touched', () => {
    expect(maskCredentials('see https://a:b@host/p?key=1 and http://host/q.')).toBe(
      'see https://***@host/p?*** and http://host/q.',
    )
  })
})
