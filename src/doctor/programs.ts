import { type Build, readBuild } from '../transcode/hardware/build.ts'
import { findProgram, trySandbox } from '../transcode/sandbox.ts'
import { install } from './mend.ts'
import type { CheckUp, Finding, Patient } from './types.ts'

/** As package.json says. */
const MIN_NODE = [20, 19] as const
/** Older ones lack options that each job uses. */
const MIN_FFMPEG = [5, 1] as const
/** What the graphs of the decoder and of the control are made of. */
const FILTERS = ['scale', 'showinfo', 'select', 'extractplanes', 'sidedata', 'split', 'format', 'fps'] as const

const atLeast = ([major, minor]: readonly [number, number], [wantMajor, wantMinor]: readonly [number, number]): boolean =>
  major > wantMajor || (major === wantMajor && minor >= wantMinor)

function versionIn(text: string): [number, number] | undefined {
  const found = /(\d+)\.(\d+)/.exec(text)
  return found ? [Number(found[1]), Number(found[2])] : undefined
}

export const nodeCheckUp: CheckUp = {
  name: 'node',
  look: async ({ deps }) => {
    const version = deps.nodeVersion ?? process.versions.node
    const found = versionIn(version)
    if (found && atLeast(found, MIN_NODE)) return [{ name: 'node', state: 'ok', says: version }]
    const says = `${version} is older than ${MIN_NODE.join('.')}`
    return [{ name: 'node', state: 'failed', says, mend: 'install Node.js 24 from https://nodejs.org' }]
  },
}

function platformOf({ deps }: Patient): string {
  return deps.machine?.platform ?? process.platform
}

/** `ffmpeg version 5.1.9-0+deb12u1 Copyright ...`: builds from a repository have a hash instead of numbers. */
function versionFinding(path: string, version: string, mend: string): Finding {
  const name = /^ffmpeg version (\S+)/.exec(version)?.[1]
  if (!name) return { name: 'ffmpeg', state: 'failed', says: `${path} does not run`, mend }
  const number = /^n?(\d+)\.(\d+)/.exec(name)
  if (number && !atLeast([Number(number[1]), Number(number[2])], MIN_FFMPEG)) {
    return { name: 'ffmpeg', state: 'failed', says: `${path} ${name} is older than ${MIN_FFMPEG.join('.')}`, mend }
  }
  return { name: 'ffmpeg', state: 'ok', says: `${path} ${name}` }
}

function partFindings(build: Build, mend: string): Finding[] {
  const h264: Finding = build.encoders.has('libx264')
    ? { name: 'libx264', state: 'ok', says: 'encodes our own controls' }
    : { name: 'libx264', state: 'failed', says: 'missing: no control can be made, so nothing can be proven', mend }
  const hevc: Finding = build.encoders.has('libx265')
    ? { name: 'libx265', state: 'ok', says: 'makes the H.265 self-test' }
    : { name: 'libx265', state: 'warning', says: 'missing: devices are not tried with H.265', mend }
  const missing = FILTERS.filter((name) => !build.filters.has(name))
  const filters: Finding =
    missing.length === 0
      ? { name: 'filters', state: 'ok', says: FILTERS.join(', ') }
      : { name: 'filters', state: 'failed', says: `missing: ${missing.join(', ')}`, mend }
  return [h264, hevc, filters]
}

export const ffmpegCheckUp: CheckUp = {
  name: 'ffmpeg',
  look: async (patient) => {
    const { ffmpegPath, searchPath } = patient.init
    const mend = install(platformOf(patient), 'ffmpeg')
    const path = findProgram(ffmpegPath, searchPath)
    if (!path) return [{ name: 'ffmpeg', state: 'failed', says: `not found (${ffmpegPath})`, mend }]
    const build = await readBuild(path)
    const version = versionFinding(path, build.version, mend)
    return build.version ? [version, ...partFindings(build, mend)] : [version]
  },
}

export const sandboxCheckUp: CheckUp = {
  name: 'sandbox',
  look: async (patient) => {
    const { ffmpegPath, searchPath } = patient.init
    const platform = platformOf(patient)
    const prlimit = findProgram('prlimit', searchPath)
    const limits: Finding = prlimit
      ? { name: 'prlimit', state: 'ok', says: `${prlimit} limits time and memory of media jobs` }
      : {
          name: 'prlimit',
          state: 'warning',
          says: 'not found: media jobs have no limit of memory and of processor time',
          ...(platform === 'darwin' ? {} : { mend: install(platform, 'util-linux') }),
        }
    return [limits, await wall(patient, findProgram('bwrap', searchPath), findProgram(ffmpegPath, searchPath))]
  },
}

/** Being there is not enough: many systems forbid what it does, so that only a run of ffmpeg in it can tell. */
async function wall(patient: Patient, bwrap: string | undefined, ffmpeg: string | undefined): Promise<Finding> {
  const name = 'bubblewrap'
  const platform = platformOf(patient)
  if (!bwrap) {
    const says = 'not found: media jobs can reach the network and read our files'
    return { name, state: 'warning', says, ...(platform === 'darwin' ? {} : { mend: install(platform, 'bubblewrap') }) }
  }
  if (!ffmpeg) return { name, state: 'warning', says: `${bwrap} was not tried: there is no ffmpeg to run in it` }
  const { level, reason } = await (patient.deps.trySandbox ?? trySandbox)({ ffmpeg, searchPath: patient.init.searchPath })
  if (level === 'bubblewrap') return { name, state: 'ok', says: `${bwrap} keeps media from the network and from our files` }
  const mend =
    'sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0 (in a container: --security-opt seccomp=unconfined --security-opt apparmor=unconfined)'
  return { name, state: 'warning', says: reason ?? 'bubblewrap does not work here', mend }
}
