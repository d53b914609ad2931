import { agreed, faulted, isTrusted, NEW_TRUST, type Trust, type TrustFault } from '../court/trust.ts'
import type { Random } from './random.ts'
import type { SimSettings } from './settings.ts'
import type { Fisherman } from './walk.ts'

/** The fishermen of a network and what each honest one thinks of the others. */
export interface Members {
  list: readonly Fisherman[]
  trusts(observer: number, member: number): boolean
  /** Seen by one observer, or by everybody who reads the gossip. */
  blame(fault: TrustFault, member: number, observer?: number): void
  agree(observer: number, member: number): void
  /** Faults seen, by kind, of honest members and of others. */
  faults(): { fault: TrustFault; ofHonest: number; ofOthers: number }[]
  /** When half of the honest members had lost trust in this member. Days, undefined if never. */
  outAfterDays(member: number): number | undefined
}

export function createMembers(settings: SimSettings, random: Random, nowDays: () => number): Members {
  const { fishermen, hostile, hostileKinds } = settings
  const list = Array.from({ length: fishermen }, (_, index): Fisherman => {
    const kind = index < hostile ? hostileKinds[index % hostileKinds.length] : undefined
    return { index, address: random.hex(20), kind: kind ?? 'honest' }
  })
  const observers = list.filter(({ kind }) => kind === 'honest').map(({ index }) => index)
  const trust = list.map(() => list.map((): Trust => NEW_TRUST))
  const counts = new Map<TrustFault, { ofHonest: number; ofOthers: number }>()
  const outs = new Map<number, number>()
  const of = (observer: number, member: number): Trust => trust[observer]?.[member] ?? NEW_TRUST
  const keep = (observer: number, member: number, value: Trust): void => {
    const row = trust[observer]
    if (row && observer !== member) row[member] = value
  }

  return {
    list,
    trusts: (observer, member) => isTrusted(of(observer, member)),
    blame(fault, member, observer) {
      const count = counts.get(fault) ?? { ofHonest: 0, ofOthers: 0 }
      counts.set(fault, count)
      count[list[member]?.kind === 'honest' ? 'ofHonest' : 'ofOthers']++
      for (const one of observer === undefined ? observers : [observer]) keep(one, member, faulted(of(one, member)))
      if (!outs.has(member) && 2 * observers.filter((one) => !isTrusted(of(one, member))).length > observers.length)
        outs.set(member, nowDays())
    },
    agree: (observer, member) => keep(observer, member, agreed(of(observer, member))),
    faults: () => [...counts].map(([fault, count]) => ({ fault, ...count })),
    outAfterDays: (member) => outs.get(member),
  }
}
