import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startRpcWay } from './proxy.ts'

it('is open again after bad weather, however many were killed in it', async () => {
  const chain = createServer((asked, answer) => {
    asked.resume().on('end', () => answer.end('here'))
  })
  await new Promise<void>((resolve) => chain.listen(0, '127.0.0.1', resolve))
  const way = await startRpcWay(`http://127.0.0.1:${(chain.address() as AddressInfo).port}`)
  way.weather = 'late'
  const asked = Array.from({ length: 40 }, () => request(way.url, { method: 'POST' }).on('error', () => undefined))
  // Killed in the middle of its question.
  for (const one of asked) one.write('a')
  await sleep(300)
  for (const one of asked) one.destroy()
  await sleep(1_500)
  way.weather = 'fine'
  const answer = await fetch(way.url, { method: 'POST', body: 'a', signal: AbortSignal.timeout(5_000) })
  expect(await answer.text()).toBe('here')
  way.close()
  chain.closeAllConnections()
  chain.close()
})
