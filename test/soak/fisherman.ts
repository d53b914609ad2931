import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, lastLine, projectRoot, startChild, whenReady } from '../../src/devnet/children.ts'
import type { Party } from '../../src/devnet/demo-network.ts'
import { type Disk, mountDisk } from './disk.ts'
import { naming } from './look.ts'
import type { RpcWay, Weather } from './proxy.ts'

/** A daemon that is started again whenever it ends, as a service manager does, and what can be done to it. */
export interface Fisherman {
  readonly name: string
  readonly party: Party
  /** How to reach it while it runs and is ready. */
  reached(): { pid: number; url: string; codeFile: string } | undefined
  /** Count of its lives. */
  lives(): number
  /** Ends it at once, and not what it started: that must see to its own end. False where it does not run. */
  kill(): boolean
  setWeather(weather: Weather): void
  /** False where it has no small disk. */
  fillDisk(): boolean
  freeDisk(): void
  /** Why it has no small disk. */
  readonly noDisk: string | undefined
  /** Ends and left-overs that must not be. */
  readonly complaints: string[]
  stop(): Promise<void>
  unmount(): void
}

/** Bytes of the small disk: the quotas below, a log that grows, and the room that LevelDB wants before it writes again. */
const DISK_BYTES = 96 << 20
/** Bytes of quotas, small enough that they are reached. */
export const QUOTAS = { cacheBytes: 6_000_000, evidenceBytes: 4_000_000 }
/** Of the daemon's own lines. */
export const LINES = { maxBytes: 100_000, keep: 2 }
const READY_MS = 60_000
const AGAIN_MS = 1_000
/** Milliseconds in which whatever a killed daemon had started must have ended. */
const ORPHANS_MS = 10_000
const CHILD = join(projectRoot, 'test/soak/child.mjs')

export interface FishermanInit {
  home: string
  party: Party
  way: RpcWay
  /** Everything else of its configuration. */
  config: Readonly<Record<string, unknown>>
  hasDisk: boolean
}

export function createFisherman(init: FishermanInit): Fisherman {
  const { home, party, way } = init
  const { name, dataDir } = party
  const disk = init.hasDisk ? mountDisk(dataDir, DISK_BYTES) : 'its disk is left alone'
  const small: Disk | undefined = typeof disk === 'string' ? undefined : disk
  const file = join(home, `${name}.config.json`)
  const logFile = join(home, 'logs', `${name}.log`)
  const log = { level: 'info', format: 'json', file: join(home, 'logs', `${name}.own.log`), ...LINES }
  writeFileSync(file, JSON.stringify({ ...init.config, ...QUOTAS, dataDir, key: party.key, rpc: [way.url], log }))
  const complaints: string[] = []
  const stopping = new AbortController()
  let child: Child | undefined
  let at: ReturnType<Fisherman['reached']>
  let lives = 0
  let killed = false
  /** Something was done to it since this life began. */
  let disturbed = false
  let full = false

  async function live(): Promise<void> {
    rmSync(join(dataDir, 'daemon.json'), { force: true })
    rmSync(`${file}.code`, { force: true })
    killed = false
    disturbed = full || way.weather !== 'fine'
    const first = lives === 0 ? ['--first-start'] : []
    child = startChild({ name, program: CHILD, args: ['run', '--config', file, ...first], logFile })
    let ready = false
    try {
      const { http = '', pid = 0 } = await whenReady(child, dataDir, { signal: stopping.signal, timeoutMs: READY_MS })
      ready = true
      lives++
      at = { pid, url: http, codeFile: `${file}.code` }
      await child.exited
    } catch (error) {
      if (!stopping.signal.aborted && !disturbed && !killed) complaints.push(`${name}: ${String(error)}`)
    } finally {
      at = undefined
    }
    if (ready && !killed && !stopping.signal.aborted)
      complaints.push(`${name} ended by itself with ${child.exitCode()}: ${await lastLine(logFile)}`)
    // By its process alone: what it started is not ours to end, unless it never came up.
    if (!ready && !stopping.signal.aborted) await child.stop()
  }

  async function orphans(): Promise<void> {
    const end = performance.now() + ORPHANS_MS
    let left = naming(`${dataDir}/`)
    while (left.length > 0 && performance.now() < end) {
      await sleep(250)
      left = naming(`${dataDir}/`)
    }
    if (left.length > 0) complaints.push(`${name} was killed and left ${left.length} processes: ${left[0]?.command}`)
  }

  const running = (async () => {
    while (!stopping.signal.aborted) {
      await live()
      if (stopping.signal.aborted) break
      await orphans()
      await sleep(AGAIN_MS)
    }
  })()
  running.catch((error: unknown) => complaints.push(`${name}: ${String(error)}`))

  return {
    ...{ name, party, complaints },
    noDisk: typeof disk === 'string' ? disk : undefined,
    reached: () => at,
    lives: () => lives,
    kill() {
      const facts = join(dataDir, 'daemon.json')
      if (!at || !existsSync(facts)) return false
      const { pid } = JSON.parse(readFileSync(facts, 'utf8')) as { pid: number }
      if (pid !== at.pid) return false
      killed = true
      process.kill(pid, 'SIGKILL')
      return true
    },
    setWeather(weather) {
      if (weather !== 'fine') disturbed = true
      way.weather = weather
    },
    fillDisk() {
      if (!small) return false
      disturbed = true
      full = true
      small.fill()
      return true
    },
    freeDisk() {
      full = false
      small?.free()
    },
    async stop() {
      stopping.abort(new Error('the soak is over'))
      const code = await Promise.resolve(child?.stop()).then(() => child?.exitCode())
      await running
      if (lives > 0 && !killed && code !== 0) complaints.push(`${name} did not end when it was asked to: ${code}`)
    },
    unmount: () => small?.unmount(),
  }
}
