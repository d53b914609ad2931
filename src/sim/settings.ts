import { FishermanError } from '../base/errors.ts'

/** Members that do not do their work, or lie. */
export const HOSTILE = ['lazy', 'copying', 'framing', 'shielding', 'never-opening'] as const
export type FishermanKind = 'honest' | (typeof HOSTILE)[number]

/** Shares of its work that a cheating node does not do. */
export const CHEATS = [1, 0.2, 0.05, 0.01, 0.005] as const

/** How a node works. `bursty`: honest, with streams that even honest work fails in part. */
export type NodeKind = { name: 'honest' } | { name: 'bursty' } | { name: 'cheat'; rate: (typeof CHEATS)[number] }

export interface SimSettings {
  fishermen: number
  /** How many of them are hostile, dealt in turn over `hostileKinds`. */
  hostile: number
  hostileKinds: readonly (typeof HOSTILE)[number][]
  /** Identities without a bond that answer and vote all the same. */
  fakes: number
  orchestrators: number
  /** Streams of a node in a day. */
  streams: number
  /** Are nodes below five streams a day sent probes up to five? */
  probes: boolean
  days: number
  seed: number
  /** Trials of one cheat rate: a convicted node is followed by a fresh one until so many are convicted. */
  trials: number
  /** Node-years of honest nodes that the second part looks at. */
  honestYears: number
  /** Chance that one honest segment fails a voteable verdict, alone. */
  honestFails: number
  /** Share of streams whose content misleads the judge, and share of their segments that fail then. */
  burstyStreams: number
  burstyFails: number
  /** GPU seconds of a check, and of a replay with its two encodes. */
  checkSeconds: number
  replaySeconds: number
}

export const DEFAULTS: Omit<SimSettings, 'hostile'> = {
  fishermen: 30,
  hostileKinds: HOSTILE,
  fakes: 0,
  orchestrators: 100,
  streams: 20,
  probes: true,
  days: 30,
  seed: 1,
  trials: 200,
  honestYears: 1000,
  honestFails: 1e-5,
  burstyStreams: 1e-3,
  burstyFails: 0.3,
  checkSeconds: 1,
  replaySeconds: 4,
}

/** The most members that are still less than a third. */
export function underAThird(fishermen: number): number {
  return Math.max(0, Math.ceil(fishermen / 3) - 1)
}

/** A tenth of the nodes for each cheat rate and for bursty content, one at least; the others are honest. */
export function dealNodes(orchestrators: number): NodeKind[] {
  const kinds: NodeKind[] = [...CHEATS.map((rate) => ({ name: 'cheat' as const, rate })), { name: 'bursty' }]
  if (orchestrators < kinds.length + 1)
    throw new FishermanError({
      code: 'bad-usage',
      message: `--orchestrators ${orchestrators}: at least ${kinds.length + 1} are needed, one for each kind`,
      blame: 'ours',
    })
  const each = Math.max(1, Math.floor(orchestrators / 10))
  const dealt = kinds.flatMap((kind) => Array.from({ length: each }, () => kind)).slice(0, orchestrators - 1)
  return [...dealt, ...Array.from({ length: orchestrators - dealt.length }, () => ({ name: 'honest' }) as const)]
}

export function kindName(kind: NodeKind): string {
  return kind.name === 'cheat' ? `cheats in ${kind.rate * 100} %` : kind.name
}
