import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SEGMENTS = 4

/** Real HLS made by ffmpeg: four segments of 2 s, a source and two renditions; `wrong` is another film at the size of the lower rung. Kept between runs. */
export function hlsFolder(): string {
  const args = hlsArgs()
  const name = createHash('sha256').update(JSON.stringify(args)).digest('hex').slice(0, 20)
  const folder = join(tmpdir(), 'fisherman-test-clips', `hls-${name}`)
  if (existsSync(folder)) return folder
  const part = `${folder}.${process.pid}`
  mkdirSync(part, { recursive: true })
  for (const rung of ['source', 'P360p', 'P240p', 'wrong']) mkdirSync(join(part, rung))
  for (const one of args) {
    const run = spawnSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...one], { cwd: part, encoding: 'utf8' })
    if (run.status !== 0) throw new Error(run.stderr)
  }
  renameSync(part, folder)
  return folder
}

function hlsArgs(): string[][] {
  const cut = ['-g', '60', '-keyint_min', '60', '-sc_threshold', '0', '-f', 'hls', '-hls_time', '2', '-hls_list_size', '0']
  const x264 = (rate: string) => ['-c:v', 'libx264', '-threads', '1', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-b:v', rate]
  const film = (speed: number) =>
    `mandelbrot=size=1600x900:rate=30:start_scale=0.02:end_scale=0.019:maxiter=200,crop=960:540:x='60+t*${speed}':y='20+t*30',scale=640:360`
  const seconds = String(2 * SEGMENTS)
  const made = (name: string) => ['-hls_segment_filename', `${name}/%d.ts`, `${name}/index.m3u8`]
  const source = ['-f', 'lavfi', '-i', film(60), '-t', seconds, ...x264('2500k'), ...cut, ...made('source')]
  const rung = (name: string, size: string, rate: string) => [
    '-i',
    'source/index.m3u8',
    '-vf',
    `scale=${size}:flags=bicubic`,
    ...x264(rate),
    ...cut,
    ...made(name),
  ]
  const wrong = ['-f', 'lavfi', '-i', 'testsrc2=s=426x240:r=30', '-t', seconds, ...x264('400k'), ...cut, ...made('wrong')]
  return [source, rung('P360p', '640:360', '900k'), rung('P240p', '426:240', '400k'), wrong]
}

export const MASTER = [
  '#EXTM3U',
  '#EXT-X-STREAM-INF:PROGRAM-ID=0,BANDWIDTH=4000000',
  'source/index.m3u8',
  '#EXT-X-STREAM-INF:PROGRAM-ID=0,BANDWIDTH=1200000,RESOLUTION=640x360',
  'P360p/index.m3u8',
  '#EXT-X-STREAM-INF:PROGRAM-ID=0,BANDWIDTH=600000,RESOLUTION=426x240',
  'P240p/index.m3u8',
  '',
].join('\n')

/** Answers for a path: other text, another file of the folder, or whatever the function does. */
export type Change = string | { file: string } | ((request: IncomingMessage, response: ServerResponse) => void)

export interface HlsServer {
  url: string
  /** Paths that were asked for. */
  asked: string[]
  stop(): Promise<void>
}

/** Serves the folder on a socket of this machine, with changes by path. */
export async function serveHls(changes: Readonly<Record<string, Change>> = {}): Promise<HlsServer> {
  const folder = hlsFolder()
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = (request.url ?? '').slice(1).replace(/\?.*$/, '')
    asked.push(path)
    const change = changes[path]
    if (typeof change === 'function') return change(request, response)
    if (typeof change === 'string') return void response.end(change)
    if (change === undefined && path === 'master.m3u8') return void response.end(MASTER)
    const file = join(folder, change?.file ?? path)
    if (path.includes('..') || !existsSync(file)) return void response.writeHead(404).end()
    response.end(readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    ...{ url: `http://127.0.0.1:${port}`, asked },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function media(rung: string): string {
  return readFileSync(join(hlsFolder(), rung, 'index.m3u8'), 'utf8')
}
