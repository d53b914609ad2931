import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { declareDoctor } from '../../src/cli/doctor.options.ts'
import { doctorCommand } from '../../src/cli/doctor.ts'
import { cacheFolder } from '../../src/config/paths.ts'
import { examineMachine } from '../../src/doctor/doctor.ts'
import { hardwareCheckUp } from '../../src/doctor/hardware.ts'
import { fontCheckUp, scratchCheckUp } from '../../src/doctor/places.ts'
import { ffmpegCheckUp, nodeCheckUp, sandboxCheckUp } from '../../src/doctor/programs.ts'
import { selfTestCheckUp } from '../../src/doctor/self-test.ts'
import type { CheckUp, DoctorDeps, DoctorInit } from '../../src/doctor/types.ts'
import { scratchFolder } from '../helpers/scratch.ts'
import { CARDS, type FakeInit, fakeFfmpeg, type Mode, machineWith } from '../transcode/fake-ffmpeg.ts'

const folder = scratchFolder('doctor')
const init: DoctorInit = {
  ffmpegPath: 'ffmpeg',
  searchPath: '',
  scratchDir: join(folder, 'scratch'),
  cacheFile: join(folder, 'hardware.json'),
  refresh: false,
}
const NOTHING = machineWith([])

afterEach(() => vi.restoreAllMocks())

async function look(checkUp: CheckUp, changes: Partial<DoctorInit> = {}, deps: DoctorDeps = {}) {
  const { findings } = await examineMachine({ ...init, ...changes }, { machine: NOTHING, ...deps, checkUps: [checkUp] })
  return Object.fromEntries(findings.map(({ name, ...finding }) => [name, finding]))
}

function program(name: string, script: string): string {
  const path = join(mkdtempSync(join(folder, 'bin-')), name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

/** An ffmpeg that only says what it has. */
function talker(version: string, encoders: string[], filters: string[]): string {
  const list = (names: string[]) => names.map((name) => `echo ' V..... ${name}  x'`).join('; ')
  return program(
    'ffmpeg',
    `case "$*" in -version) echo '${version}' ;; *-encoders) ${list(encoders)} ;; *-filters) ${list(filters)} ;; esac`,
  )
}

/** The command as the command line runs it. */
async function doctor(args: string[], changes: Partial<DoctorInit> = {}, deps: DoctorDeps = {}) {
  const out: string[] = []
  vi.spyOn(console, 'log').mockImplementation((line) => void out.push(String(line)))
  let code: number | undefined
  const cli = new Command('fisherman')
  declareDoctor(cli, async (options) => {
    const own = { ...init, refresh: options.refresh ?? false, ...changes }
    code = await doctorCommand(options, own, { machine: NOTHING, ...deps }, new AbortController().signal)
  })
  await cli.parseAsync(['node', 'fisherman', 'doctor', ...args])
  return { code, out }
}

const NAMES = ['node', 'ffmpeg', 'libx264', 'libx265', 'filters', 'prlimit', 'bubblewrap', 'fonts', 'scratch']
const DEVICES = ['cuda-nvenc', 'cuda-decode', 'vaapi', 'qsv', 'videotoolbox']

describe('fisherman doctor', () => {
  it('finds nothing failed on a machine that runs these tests, in one JSON object', async () => {
    const { code, out } = await doctor(['--json'])
    expect(out.length).toBe(1)
    const result = JSON.parse(out[0] ?? '')
    expect(Object.keys(result)).toEqual(['ok', 'checks', 'hardware'])
    const checks: { name: string; state: string; says: string }[] = result.checks
    expect(checks.map(({ name }) => name)).toEqual([...NAMES, ...DEVICES, 'self-test', 'configuration'])
    expect(checks.filter(({ state }) => state === 'failed')).toEqual([])
    expect(checks.find(({ name }) => name === 'self-test')).toEqual({
      name: 'self-test',
      state: 'ok',
      says: 'honest work passes, a forged rendition fails',
    })
    expect(checks.find(({ name }) => name === 'vaapi')).toEqual({
      name: 'vaapi',
      state: 'ok',
      says: 'not used: no such device here (/dev/dri/renderD*)',
    })
    expect(result.hardware.backends.length).toBe(5)
    expect({ code, ok: result.ok }).toEqual({ code: 0, ok: true })
    expect(existsSync(init.cacheFile)).toBe(true)
  })

  it('prints a line for each finding with what mends it, and exits with 1 when one failed', async () => {
    const { code, out } = await doctor([], { ffmpegPath: '/no/ffmpeg' }, { canDrawText: async () => false })
    expect(code).toBe(1)
    expect(out.find((line) => line.includes('ffmpeg'))).toBe(
      'failed   ffmpeg        not found (/no/ffmpeg); to mend it: sudo apt-get install ffmpeg',
    )
    expect(out).toContain(
      'warning  fonts         none found: letters on contact sheets are boxes; to mend it: sudo apt-get install fonts-dejavu-core',
    )
    for (const line of out) expect(line).toMatch(/^(ok {6}|warning |failed {2}) \S/)
    // Without ffmpeg there is nothing to try hardware with.
    expect(out.some((line) => line.includes('self-test') || line.includes('vaapi'))).toBe(false)
  })

  it('loads none of its machinery for --help', () => {
    expect(readFileSync(new URL('../../src/cli/doctor.options.ts', import.meta.url), 'utf8')).not.toMatch(/import (?!type)/)
  })
})

describe('check-ups of programs', () => {
  it('know an old Node.js', async () => {
    expect((await look(nodeCheckUp, {}, { nodeVersion: '20.19.0' })).node).toEqual({ state: 'ok', says: '20.19.0' })
    expect((await look(nodeCheckUp, {}, { nodeVersion: '20.18.3' })).node).toMatchObject({
      state: 'failed',
      says: expect.stringMatching(/older than 20\.19/),
    })
  })

  it.each([
    ['ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright', 'failed'],
    ['ffmpeg version 5.1.9-0+deb12u1 Copyright', 'ok'],
    ['ffmpeg version n7.0.1 Copyright', 'ok'],
    ['ffmpeg version N-117770-g322b240cea Copyright', 'ok'],
    ['', 'failed'],
  ])('know the versions of ffmpeg: %s', async (version, state) => {
    expect((await look(ffmpegCheckUp, { ffmpegPath: talker(version, [], []) })).ffmpeg).toMatchObject({ state })
  })

  it('know what a build must have', async () => {
    const filters = ['scale', 'showinfo', 'select', 'sidedata', 'split', 'format', 'fps']
    const found = await look(ffmpegCheckUp, { ffmpegPath: talker('ffmpeg version 6.1 x', ['libopenh264'], filters) })
    expect(found).toMatchObject({
      libx264: { state: 'failed', mend: 'sudo apt-get install ffmpeg' },
      libx265: { state: 'warning' },
      filters: { state: 'failed', says: 'missing: extractplanes' },
    })
    const mac = await look(ffmpegCheckUp, { ffmpegPath: '/no' }, { machine: machineWith([], [], 'darwin') })
    expect(mac.ffmpeg?.mend).toBe('brew install ffmpeg')
  })

  it('say whether the wall around media stands, by a trial where there is one', async () => {
    const searchPath = join(program('bwrap', 'echo "No permissions to create a new namespace" >&2; exit 1'), '..')
    const stands = await look(
      sandboxCheckUp,
      { searchPath },
      { trySandbox: async () => ({ level: 'bubblewrap', prlimit: '', bwrap: '' }) },
    )
    expect(stands.bubblewrap).toEqual({
      state: 'ok',
      says: `${join(searchPath, 'bwrap')} keeps media from the network and from our files`,
    })
    const broken = (await look(sandboxCheckUp, { searchPath })).bubblewrap
    expect(broken).toMatchObject({
      state: 'warning',
      says: 'bubblewrap does not work here: No permissions to create a new namespace',
      mend: expect.stringMatching(/kernel\.unprivileged_userns_clone=1/),
    })
    const alone = (await look(sandboxCheckUp, { searchPath, ffmpegPath: '/no' })).bubblewrap
    expect(alone).toMatchObject({ state: 'warning', says: expect.stringContaining('was not tried') })
  })
})

describe('check-ups of places', () => {
  it('want a scratch folder that can be written and has room', async () => {
    const free = async (bytes: number) => (await look(scratchCheckUp, {}, { freeBytes: async () => bytes })).scratch
    expect(await free(5e9)).toMatchObject({ state: 'ok', says: `${init.scratchDir} has 4768 MiB free` })
    expect(await free(5e8)).toMatchObject({ state: 'warning', mend: expect.stringMatching(/TMPDIR/) })
    expect(await free(1e8)).toMatchObject({ state: 'failed' })
    const file = join(folder, 'file')
    writeFileSync(file, '')
    expect((await look(scratchCheckUp, { scratchDir: join(file, 'x') })).scratch).toMatchObject({
      state: 'failed',
      says: expect.stringMatching(/cannot be written/),
    })
  })

  it('want letters on contact sheets', async () => {
    expect((await look(fontCheckUp)).fonts).toEqual({ state: 'ok', says: 'contact sheets can be labelled' })
  })

  it('keep the report of the hardware where caches belong', () => {
    expect(cacheFolder({ XDG_CACHE_HOME: '/var/x' })).toBe('/var/x/fisherman')
    expect(cacheFolder({ XDG_CACHE_HOME: 'x', HOME: '/h' })).toMatch(/^\/.*\/\.cache\/fisherman$/)
  })
})

describe('check-ups of hardware', () => {
  const NVIDIA = machineWith(['/dev/nvidia0'])
  const RENDER = machineWith(['/dev/dri/renderD128'])
  const onCard = async (card: FakeInit, machine: typeof NVIDIA, ...modes: [Mode, Mode?]) => {
    const fake = fakeFfmpeg(card)
    fake.set(...modes)
    // Each span that it measures is longer than the one before, so that the longer clip always takes longer.
    let [now, step] = [0, 0]
    const clock = { nowMs: () => 0, monotonicMs: () => (now += step++) }
    return await look(hardwareCheckUp, { ffmpegPath: fake.path, refresh: true, sandbox: 'limits' }, { machine, clock })
  }

  it('tell what a good card does, and how fast', async () => {
    const found = await onCard({ ...CARDS.nvidia, encoders: ['h264_nvenc'] }, NVIDIA, 'good')
    expect(found['cuda-nvenc']).toMatchObject({ state: 'ok' })
    expect(found['cuda-nvenc']?.says).toMatch(
      /^decode: H\.264 equal to software, H\.265 unavailable because no self-test clip: this ffmpeg is built without libx265; encode: H\.264 near software, H\.265 unavailable because this ffmpeg is built without hevc_nvenc; decodes \d+\.\d times as fast as software; encodes \d+\.\d times/,
    )
    expect(found['cuda-decode']).toEqual({ state: 'ok', says: 'not used: the card encodes too: it is used as cuda-nvenc' })
  })

  it('say what mends a device that does not work', async () => {
    const broken = (await onCard(CARDS.vaapi, RENDER, 'says-noVaapi')).vaapi
    expect(broken).toMatchObject({
      state: 'warning',
      says: expect.stringMatching(
        /^decode: H\.264 unavailable because Failed to initialise VAAPI connection: -1 \(unknown libva error\)\./,
      ),
      mend: 'sudo apt-get install mesa-va-drivers intel-media-va-driver, then: fisherman doctor --refresh',
    })
    const noDriver = await onCard({ ...CARDS.nvidia, encoders: [] }, NVIDIA, 'says-noCuda')
    expect(noDriver['cuda-decode']).toMatchObject({
      state: 'warning',
      says: expect.stringMatching(/Cannot load libcuda\.so\.1/),
      mend: expect.stringMatching(/NVIDIA_DRIVER_CAPABILITIES/),
    })
    const closed = await onCard(CARDS.vaapi, machineWith(['/dev/dri/renderD128'], ['/dev/dri/renderD128']), 'good')
    expect(closed.vaapi).toMatchObject({ state: 'warning', mend: expect.stringMatching(/^sudo usermod -aG render,video/) })
  })

  it('warn of wrong pictures, but call nothing failed: software does the work', async () => {
    const fake = fakeFfmpeg({ ...CARDS.vaapi, encoders: [] })
    fake.set('wrong-planes')
    const deps = { machine: RENDER, checkUps: [hardwareCheckUp] }
    const { ok, findings } = await examineMachine({ ...init, ffmpegPath: fake.path, refresh: true, sandbox: 'limits' }, deps)
    expect(ok).toBe(true)
    expect(findings.find(({ name }) => name === 'vaapi')).toMatchObject({
      state: 'warning',
      says: expect.stringMatching(/differs: picture 0 is not that of software/),
    })
  })
})

describe('the doctor', () => {
  it('fails where honest or forged work is judged wrong', async () => {
    // Here the forged file is not made: as blind as a judge that does not see it.
    const colours = `case "$a" in *testsrc2*) a=$(printf '%s' "$a" | sed 's/,lutyuv=u=128:v=128//') ;; esac`
    const each = `n=$#; while [ $n -gt 0 ]; do a=$1; shift; n=$((n-1)); ${colours}; set -- "$@" "$a"; done`
    const blind = program('ffmpeg', `${each}\nexec /usr/bin/ffmpeg "$@"`)
    const found = (await look(selfTestCheckUp, { ffmpegPath: blind }))['self-test']
    expect(found).toMatchObject({ state: 'failed', says: 'honest work: pass; forged work: pass' })
  })

  it('turns what a check-up throws into a failed line, and stops when told to', async () => {
    const broken: CheckUp = { name: 'x', look: async () => await Promise.reject(new Error('went wrong\nand more')) }
    const { ok, findings } = await examineMachine(init, { checkUps: [broken] })
    expect({ ok, findings }).toEqual({ ok: false, findings: [{ name: 'x', state: 'failed', says: 'went wrong' }] })
    await expect(examineMachine(init, { checkUps: [broken] }, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
  })
})
