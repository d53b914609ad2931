import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { runFfmpeg } from '../../src/transcode/ffmpeg.ts'
import { createWrapper, requireFfmpeg, trySandbox } from '../../src/transcode/sandbox.ts'
import { MEDIA_LIMITS } from '../../src/transcode/types.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'fisherman test "sandbox" '))
const ffmpeg = requireFfmpeg('ffmpeg', process.env.PATH ?? '')
const real = { ffmpeg, searchPath: process.env.PATH ?? '' }
const report = await trySandbox(real)
const outside = join(tmpdir(), `fisherman-outside-${process.pid}`)
const scratch = join(folder, 'scratch')
mkdirSync(scratch)
writeFileSync(outside, 'not for media')
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  rmSync(outside, { force: true })
})

/** Runs a shell in ffmpeg's place: what a decoder that was broken into could do. */
async function broken(script: string, tools = report, inputs: string[] = []): Promise<string> {
  const wrapper = await createWrapper({ ...real, ffmpeg: '/bin/sh' }, tools, scratch, MEDIA_LIMITS)(inputs)
  const { stdout } = await run(wrapper, ['-c', script, 'sh', ...inputs], {
    env: { ...process.env, CANARY: 'my-secret', HOME: folder },
  })
  return stdout
}

function program(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

describe('what media is locked up in', () => {
  it('is the best that this machine has, tried for real', () => {
    expect(['bubblewrap', 'limits']).toContain(report.level)
    expect(report.reason === undefined).toBe(report.level === 'bubblewrap')
  })

  it('is as nice to other work as it was told, in the sandbox too', async () => {
    for (const [nice, says] of [
      [undefined, '0'],
      [10, '10'],
    ] as const) {
      const wrapper = await createWrapper({ ...real, ffmpeg: '/bin/sh', nice }, report, scratch, MEDIA_LIMITS)([])
      expect((await run(wrapper, ['-c', 'nice'])).stdout.trim()).toBe(says)
    }
  })

  it('shows none of our environment, and keeps its limits', async () => {
    for (const tools of [report, { ...report, bwrap: undefined }]) {
      const text = await broken('echo "[$CANARY$HOME]"; ulimit -t; ulimit -v; ulimit -c', tools)
      expect(text.split('\n').slice(0, 4)).toEqual(['[]', '300', String(MEDIA_LIMITS.addressBytes / 1024), '0'])
    }
  })

  it('says why bubblewrap cannot be used, and goes on without', async () => {
    mkdirSync(join(folder, 'bin'), { recursive: true })
    program('bin/bwrap', 'echo "bwrap: No permissions to create a new namespace" >&2; exit 1')
    const other = await trySandbox({ ffmpeg, searchPath: join(folder, 'bin') })
    expect(other).toMatchObject({ level: 'limits', bwrap: undefined })
    expect(other.reason).toContain('No permissions to create a new namespace')
  })

  it.runIf(report.bwrap)('holds no files but libraries, inputs and scratch, and lets nothing be written elsewhere', async () => {
    const input = join(folder, "an 'input'.ts")
    writeFileSync(input, 'media')
    const script = [
      `for f in /etc/passwd /root /home ${outside} /proc/1/environ; do [ -e $f ] && echo "sees $f"; done`,
      `echo x > '${scratch}/made'`,
      `(echo x > /usr/made) 2>/dev/null && echo 'wrote to /usr'`,
      `(echo x > '${folder}/made') 2>/dev/null`,
      // What runs as root must not keep the rights to undo all this.
      `mount -o remount,rw,bind /usr 2>/dev/null && echo 'made /usr writable'`,
      'cat "$1"',
      `(echo x > "$1") 2>/dev/null && echo 'wrote its input'`,
    ].join('; ')
    expect((await broken(`${script}; true`, report, [input])).trim()).toBe('media')
    expect(readFileSync(join(scratch, 'made'), 'utf8')).toBe('x\n')
    expect(existsSync(join(folder, 'made'))).toBe(false)
  })

  it.runIf(report.bwrap)('has no network, not even our own ports', async () => {
    let connections = 0
    const server = createServer((socket) => {
      connections++
      socket.end()
    }).listen(0, '127.0.0.1')
    await new Promise((ready) => server.once('listening', ready))
    const { port } = server.address() as { port: number }
    const code = `require('net').connect(${port}, '127.0.0.1').on('connect', () => console.log('connected')).on('error', (e) => console.log(e.code))`
    const open = { ...report, prlimit: undefined }
    const wrapper = await createWrapper({ ...real, ffmpeg: process.execPath }, open, scratch, MEDIA_LIMITS)([])
    expect((await run(wrapper, ['-e', code])).stdout.trim()).not.toBe('connected')
    expect(connections).toBe(0)
    server.close()
  })
})

describe('failures of the sandbox itself', () => {
  const job = { inputs: [], filter: '', outputs: [{ path: join(scratch, 'out'), options: [] }] }
  it.each([
    ['cannot start', 'echo "bwrap: Creating new namespace failed" >&2; exit 1', 'sandbox-failed', 'ours'],
    ['finds no program', 'exit 127', 'ffmpeg-unusable', 'ours'],
    ['passes on a kill as a number', 'exit 137', 'media-killed', 'unknown'],
    ['passes on the end of CPU time as a number', 'exit 152', 'media-killed', 'unknown'],
    ['dies of a signal', 'kill -9 $$', 'media-killed', 'unknown'],
  ])('that %s are no evidence', async (name, text, code, blame) => {
    // What fluent-ffmpeg asks for first must work, else it would never come to the run.
    const path = program(
      name.replaceAll(' ', '-'),
      `case "$*" in *-encoders*|*-formats*|*-version*) exec ${ffmpeg} "$@";; esac\n${text}`,
    )
    await expect(runFfmpeg(async () => path, job, { wallMs: 10_000 })).rejects.toMatchObject({ code, blame })
  })

  it('leave bad media alone: an error of ffmpeg is an ordinary answer', async () => {
    const path = program(
      'bad-data',
      `case "$*" in *-encoders*|*-formats*) exec ${ffmpeg} "$@";; esac\necho "[error] nothing" >&2; exit 183`,
    )
    expect((await runFfmpeg(async () => path, job, { wallMs: 10_000 })).ok).toBe(false)
  })
})
