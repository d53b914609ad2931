import { join } from 'node:path'
import { hardwareReport } from '../transcode/hardware/cache.ts'
import { measureSpeed, type Speed } from '../transcode/hardware/speed.ts'
import type { Ability, BackendReport, HardwareReport, VideoCodec } from '../transcode/hardware/types.ts'
import { cureFor } from './mend.ts'
import type { CheckUp, Finding } from './types.ts'

const CODECS: readonly [VideoCodec, string][] = [
  ['h264', 'H.264'],
  ['hevc', 'H.265'],
]

/** What one kind of work says for both codecs, the same thing only once. */
function phrase(abilities: Record<VideoCodec, Ability>, good: string): string {
  const texts = CODECS.map(([codec, name]) => {
    const ability = abilities[codec]
    if (ability.state === 'trusted') return [name, good] as const
    return [name, ability.state === 'differs' ? `differs: ${ability.why}` : `unavailable because ${ability.why}`] as const
  })
  const [first, second] = texts
  if (first && second && first[1] === second[1]) return first[1]
  return texts.map(([name, text]) => `${name} ${text}`).join(', ')
}

function times(what: string, factor: number | undefined): string[] {
  return factor === undefined ? [] : [`${what} ${factor.toFixed(1)} times as fast as software`]
}

/**
 * One line for a backend. What a machine simply does not have is no fault, and what does not work is none where another device
 * does the work: a card has two drivers that know it, and several that do not. Wrong pictures are always worth a warning.
 */
function findingOf(report: BackendReport, speed: Speed | undefined, served: boolean): Finding {
  const { name, decode, encode, node } = report
  const all = [decode.h264, decode.hevc, ...(name === 'cuda-decode' ? [] : [encode.h264, encode.hevc])]
  const first = all[0]
  if (first?.state === 'absent') return { name, state: 'ok', says: `not used: ${first.why}` }
  const parts = [
    `decode: ${phrase(decode, 'equal to software')}`,
    ...(name === 'cuda-decode' ? [] : [`encode: ${phrase(encode, 'near software')}`]),
    ...(node ? [`device ${node}`] : []),
    ...times('decodes', speed?.decode),
    ...times('encodes', speed?.encode),
  ]
  const differs = all.find(({ state }) => state === 'differs')
  const bad = differs ?? (served ? undefined : all.find(({ state }) => state === 'unavailable'))
  const mend = bad && 'why' in bad ? { mend: cureFor(bad.why) } : {}
  return { name, state: bad ? 'warning' : 'ok', says: parts.join('; '), ...mend }
}

export function hardwareFindings(report: HardwareReport, speeds: Partial<Record<string, Speed>>): Finding[] {
  const served = report.backends.some(({ decode }) => decode.h264.state === 'trusted')
  return report.backends.map((backend) => findingOf(backend, speeds[backend.name], served))
}

export const hardwareCheckUp: CheckUp = {
  name: 'hardware',
  look: async (patient) => {
    const { init, deps, signal } = patient
    const trial = { ...init, scratchDir: join(init.scratchDir, 'hardware') }
    const { report } = await hardwareReport(trial, deps, signal)
    patient.hardware = report
    return hardwareFindings(report, await measureSpeed(report, trial, deps, signal))
  },
}
