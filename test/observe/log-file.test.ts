import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLogFile, type LogFile } from '../../src/observe/log-file.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { mountDisk } from '../soak/disk.ts'

let folder: string
let file: string
let log: LogFile | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fisherman-test-lines-'))
  file = join(folder, 'fisherman.log')
})
afterEach(() => {
  log?.close()
  log = undefined
  rmSync(folder, { recursive: true, force: true })
})

const names = () => readdirSync(folder).sort()
const text = (name: string) => readFileSync(join(folder, name), 'utf8')

describe('the file of log lines', () => {
  it('begins anew before a line would exceed its limit, and keeps so many old ones', () => {
    log = createLogFile({ file, maxBytes: 100, keep: 2 })
    for (let i = 0; i < 20; i++) log.write(`line ${String(i).padStart(2, '0')} of thirty bytes .....\n`)
    expect(names()).toEqual(['fisherman.log', 'fisherman.log.1', 'fisherman.log.2'])
    for (const name of names()) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(100)
    expect(text('fisherman.log')).toContain('line 19')
    expect(text('fisherman.log.1') + text('fisherman.log')).toMatch(
      /line 15[\s\S]*line 16[\s\S]*line 17[\s\S]*line 18[\s\S]*line 19/,
    )
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('keeps none where none are wanted, and goes on with what lay there', () => {
    writeFileSync(file, 'x'.repeat(90))
    log = createLogFile({ file, maxBytes: 100, keep: 0 })
    log.write('twenty bytes of text\n')
    expect(names()).toEqual(['fisherman.log'])
    expect(text('fisherman.log')).toBe('twenty bytes of text\n')
    log.write('and more\n')
    expect(text('fisherman.log')).toBe('twenty bytes of text\nand more\n')
  })

  it('is opened anew where somebody moved it away', () => {
    log = createLogFile({ file, maxBytes: 1000, keep: 1 })
    log.write('before\n')
    renameSync(file, `${file}-old`)
    log.write('still there\n')
    log.reopen()
    log.write('after\n')
    expect(text('fisherman.log-old')).toBe('before\nstill there\n')
    expect(text('fisherman.log')).toBe('after\n')
  })

  it('that cannot be opened is told at once, with what to do', () => {
    expect(() => createLogFile({ file: join(folder, 'no', 'such'), maxBytes: 1000, keep: 1 })).toThrow(
      /cannot write log\.file .*no\/such .*make its folder, or name another file/,
    )
  })

  it('stops nobody when the disk is full, and says then how many lines are missing', (context) => {
    const place = join(folder, 'disk')
    mkdirSync(place)
    const disk = mountDisk(place, 1 << 20)
    if (typeof disk === 'string') return context.skip(disk)
    try {
      file = join(place, 'fisherman.log')
      log = createLogFile({ file, maxBytes: 1 << 19, keep: 1 })
      const logger = createLogger({ level: 'info', format: 'json', stream: log })
      logger.info('Before')
      disk.fill()
      for (let i = 0; i < 300; i++) logger.info('Nobody hears this', { filler: 'x'.repeat(100) })
      disk.free()
      logger.info('After')
      const lines = readFileSync(file, 'utf8').trim().split('\n')
      const read = lines.flatMap((line) => {
        try {
          return [JSON.parse(line) as { msg: string; lost?: number }]
        } catch {
          return []
        }
      })
      expect(read[0]?.msg).toBe('Before')
      expect(read.at(-1)?.msg).toBe('After')
      const written = read.filter(({ msg }) => msg === 'Nobody hears this').length
      // One line at most may stand there in part.
      expect(lines.length - read.length).toBeLessThanOrEqual(1)
      expect(read.find(({ lost }) => lost !== undefined)?.lost).toBe(300 - written)
    } finally {
      log?.close()
      disk.unmount()
    }
  })
})
