import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How the way to the chain is: as it is; connections are cut; nothing is answered; late; a web page instead. */
export const WEATHERS = ['cut', 'silent', 'late', 'page'] as const
export type Weather = (typeof WEATHERS)[number] | 'fine'

/** Milliseconds of an answer that is late. */
const LATE_MS = 1_500

/** A way from one fisherman to the chain that can be disturbed. It hands bytes through and keeps none. */
export interface RpcWay {
  url: string
  weather: Weather
  close(): void
}

export async function startRpcWay(target: string): Promise<RpcWay> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const way: RpcWay = { url: '', weather: 'fine', close: () => {} }
  const server = createServer((asked, answer) => {
    const hand = () => {
      // Killed while it waited: nobody would end a request that goes on without it, and sixteen of those are all that there are.
      if (answer.destroyed || answer.closed || asked.socket.destroyed) return
      if (way.weather === 'cut') return void asked.socket.destroy()
      const { method = 'POST', headers } = asked
      const onward = request(target, { method, headers: { ...headers, host: new URL(target).host }, agent }, (told) => {
        answer.writeHead(told.statusCode ?? 502, told.headers)
        told.pipe(answer)
      })
      onward.on('error', () => answer.destroy())
      answer.on('close', () => onward.destroy())
      asked.pipe(onward)
    }
    if (way.weather === 'late') setTimeout(hand, LATE_MS)
    else if (way.weather === 'page') answer.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>')
    else if (way.weather === 'silent') asked.resume()
    else hand()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  way.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  way.close = () => {
    server.closeAllConnections()
    server.close()
    agent.destroy()
  }
  return way
}
