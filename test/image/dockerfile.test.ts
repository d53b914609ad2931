import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VERDICT_VERSION } from '../../proofs/types.ts'

// No Docker engine runs where tests run, so this does what the Dockerfile says, step by step: each stage is a folder, RUN is a shell in
// it, COPY copies (and only what .dockerignore lets through), USER is a real change of user.

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Step {
  name: string
  text: string
}

function readSteps(file: string): Step[] {
  return readFileSync(file, 'utf8')
    .replace(/^\s*#.*$/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim().length > 0)
    .map((line) => {
      const [, name = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? []
      return { name, text }
    })
}

const steps = readSteps(join(root, 'Dockerfile'))
const allowed = readFileSync(join(root, '.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1))

/** Set-up loaded the same packages a while ago: npm need not ask for each again. */
const FROM_CACHE = { ...process.env, npm_config_prefer_offline: 'true' }

let home: string
let image: string

/** Runs the build and returns the folder of the last stage. */
function build(folder: string): string {
  const stages = new Map<string, string>()
  let stage = ''
  let workdir = ''
  for (const { name, text } of steps) {
    if (name === 'FROM') {
      stage = join(folder, `stage-${stages.size}`)
      mkdirSync(stage)
      stages.set(/ AS (\w+)/i.exec(text)?.[1] ?? 'last', stage)
    } else if (name === 'WORKDIR') {
      workdir = join(stage, text)
      mkdirSync(workdir, { recursive: true })
    } else if (name === 'COPY') copy(text, workdir, stages)
    else if (name === 'RUN' && !/apt-get|install -d/.test(text))
      execFileSync('sh', ['-c', text], { cwd: workdir, env: FROM_CACHE, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  return workdir
}

function copy(text: string, workdir: string, stages: Map<string, string>): void {
  const parts = text.split(/\s+/)
  const from = parts[0]?.startsWith('--from=') ? stages.get(parts.shift()?.slice(7) ?? '') : undefined
  const target = parts.pop() ?? ''
  for (const source of parts) {
    if (!from) expect(allowed, `${source} is shut out by .dockerignore`).toContain(source)
    const to = target.endsWith('/') ? join(workdir, target, source) : join(workdir, target)
    cpSync(from ? join(from, source) : join(root, source), to, { recursive: true, verbatimSymlinks: true })
  }
}

/** Runs something in the image as its user: not root, no password, no access to the rest. */
function inImage(args: readonly string[]) {
  const asUser = process.getuid?.() === 0 ? { uid: 1000, gid: 1000 } : {}
  return spawnSync(process.execPath, args, {
    cwd: image,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: '/nonexistent', TMPDIR: join(home, 'tmp') },
    ...asUser,
  })
}

describe('image', () => {
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'fisherman-image-'))
    chmodSync(home, 0o755)
    mkdirSync(join(home, 'tmp'))
    chmodSync(join(home, 'tmp'), 0o777)
    image = build(home)
  }, 300_000)
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  it('ends as a user that is not root, on Node 24, with ffmpeg and fonts installed', () => {
    expect(steps.filter(({ name }) => name === 'FROM').map(({ text }) => text.split(' ')[0])).toEqual(
      Array(3).fill('node:24-bookworm-slim'),
    )
    expect(steps.findLast(({ name }) => name === 'USER')?.text).toBe('node')
    expect(steps.find(({ text }) => text.includes('apt-get'))?.text).toMatch(/ffmpeg fonts-dejavu-core/)
    expect(steps.at(-1)?.name).toBe('CMD')
  })

  it('holds no build tools and no tests', () => {
    for (const name of ['node_modules/typescript', 'node_modules/vitest', 'node_modules/@foundry-rs', 'src', 'test', 'scripts'])
      expect(existsSync(join(image, name)), name).toBe(false)
  })

  it('runs the program: version, a verdict on real media, and a clear error', () => {
    const [, ...entry] = JSON.parse(steps.find(({ name }) => name === 'ENTRYPOINT')?.text ?? '[]') as string[]
    expect(inImage([...entry, '--version'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
    const clip = join(home, 'tmp/clip.mp4')
    execFileSync('ffmpeg', [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=320x180:rate=25:duration=1',
      '-c:v',
      'libx264',
      '-pix_fmt',
      'yuv420p',
      clip,
    ])
    const verdict = inImage([...entry, 'verify', '--source', clip, '--rendition', clip, '--json'])
    expect(verdict.stderr).toBe('')
    expect(JSON.parse(verdict.stdout)).toMatchObject({ verdictVersion: VERDICT_VERSION })
    const command = JSON.parse(steps.find(({ name }) => name === 'CMD')?.text ?? '[]') as string[]
    expect(inImage([...entry, ...command])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('/config/fisherman.yaml'),
    })
  })

  it('is healthy when the daemon answers and not when it does not', async () => {
    const [, ...check] = JSON.parse(
      /CMD (.*)$/.exec(steps.find(({ name }) => name === 'HEALTHCHECK')?.text ?? '')?.[1] ?? '[]',
    ) as string[]
    expect(inImage(check).status).toBe(1)
    const script = (check[1] ?? '').replace('127.0.0.1:7936', '127.0.0.1:PORT')
    let status = 200
    const server = createServer((_request, response) => response.writeHead(status).end()).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const run = () =>
      new Promise((resolve) => {
        import('node:child_process').then(({ spawn }) =>
          spawn(process.execPath, ['-e', script.replace('PORT', String(port))]).on('close', resolve),
        )
      })
    expect(await run()).toBe(0)
    status = 503
    expect(await run()).toBe(1)
    server.close()
  })
})
