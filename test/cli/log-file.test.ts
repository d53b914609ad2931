import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serialiseDeployment } from '../../src/chain/deployment.ts'
import { createWorld, type World } from '../chain/world.ts'
import { fisherman } from '../monitor/watch-world.ts'
import { until } from '../node/net.ts'

// What log rotation of an operating system does: the file is moved away, and the daemon gets SIGHUP.

const LONG_MS = 60_000
const folder = mkdtempSync(join(tmpdir(), 'fisherman-test-log-file-'))
const file = join(folder, 'fisherman.yaml')
const lines = join(folder, 'fisherman.log')
let world: World
let run: ReturnType<typeof fisherman> | undefined

const text = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

beforeAll(async () => {
  world = await createWorld()
  writeFileSync(join(folder, 'deployment.json'), serialiseDeployment(world.deployment))
  const config = `dataDir: data\nrpc: [${world.anvil.rpcUrl}]\ndeployment: deployment.json\nhardware: 'off'\nhttp: { port: 0 }\n`
  writeFileSync(file, `${config}log: { file: fisherman.log }\n`)
})
afterAll(async () => {
  run?.child.kill('SIGKILL')
  await run?.done
  await world?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('log.file', { timeout: 180_000 }, () => {
  it('takes the lines, as JSON, beside the configuration, and is opened anew on SIGHUP', async () => {
    run = fisherman(['run', '--config', file])
    await until(() => text(lines).includes('Fisherman is running'), LONG_MS)
    expect(run.err).toBe('')
    for (const line of text(lines).trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg')
    renameSync(lines, `${lines}-old`)
    run.child.kill('SIGHUP')
    await until(() => text(lines).includes('configuration was read again'), LONG_MS)
    expect(text(`${lines}-old`)).toContain('Fisherman is running')
    expect(text(`${lines}-old`)).not.toContain('read again')
    run.child.kill('SIGTERM')
    await run.done
    expect(text(lines)).toContain('Fisherman stops')
  })

  it('that cannot be written keeps it from starting, and says so', async () => {
    const second = fisherman(['run', '--config', file, '--log.file', join(folder, 'no', 'where.log')])
    await second.done
    expect(second.err).toMatch(/cannot write log\.file .*make its folder, or name another file/)
  })
})
