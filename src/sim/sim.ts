import type { Hex } from '../../proofs/types.ts'
import { PUBLIC_COURT } from '../court/params.ts'
import type { TrustFault } from '../court/trust.ts'
import { PUBLIC_DRAW } from '../sample/params.ts'
import { type HonestResult, simulateHonest } from './honest.ts'
import { createLooks } from './looks.ts'
import { createMembers } from './members.ts'
import { type KindResult, simulateNetwork } from './network.ts'
import { createRandom } from './random.ts'
import { dealNodes, type SimSettings } from './settings.ts'
import { createTribunal } from './tribunal.ts'
import type { Fisherman, WalkRules } from './walk.ts'

/** The public network's rules; a check and its seal take 3 s. */
const RULES: WalkRules = { draw: PUBLIC_DRAW, openAfterSeconds: 40, openGraceSeconds: 20, sealAfterSeconds: 3 }
/** A case on a public network waits for its votes this long. */
const CASE_SECONDS = 7 * 86_400
/** Seeds of the second part, so that it is the same whatever the first one did. */
const SECOND = 2 ** 31

export interface SimResult {
  settings: SimSettings
  kinds: KindResult[]
  honest: HonestResult | undefined
  faults: { fault: TrustFault; ofHonest: number; ofOthers: number }[]
  hostile: { kind: Fisherman['kind']; outAfterDays: number | undefined }[]
}

export interface SimDeps {
  /** `done` of `total` steps of this part. */
  onProgress?(part: 'network' | 'honest nodes', done: number, total: number): void
}

/** The public network as a discrete-event simulation: the same settings give the same result, on every machine. */
export function simulate(settings: SimSettings, deps: SimDeps = {}): SimResult {
  const kinds = dealNodes(settings.orchestrators)
  const random = createRandom(settings.seed)
  let nowSec = 0
  const members = createMembers(settings, random, () => nowSec / 86_400)
  // Numbers of their own: with and without fakes the rest of the network meets the same luck.
  const luckOfFakes = createRandom(settings.seed + 2 * SECOND)
  const fakes = Array.from({ length: settings.fakes }, (): Hex => luckOfFakes.hex(20))
  const tribunalOf = () => createTribunal({ params: PUBLIC_COURT, members: members.list, fakes, caseSeconds: CASE_SECONDS })
  const tribunal = tribunalOf()
  const { look } = createLooks({ members, tribunal, rules: RULES, random, fakes, luckOfFakes })
  const results = simulateNetwork(settings, kinds, {
    ...{ random, draw: PUBLIC_DRAW, look, close: tribunal.close },
    onDay: (day) => deps.onProgress?.('network', day, settings.days),
    setNow(sec) {
      nowSec = sec
    },
  })
  const honest =
    settings.honestYears === 0
      ? undefined
      : simulateHonest(settings, {
          ...{ random: createRandom(settings.seed + SECOND), draw: PUBLIC_DRAW, members: members.list, tribunal: tribunalOf },
          onYear: (year) => deps.onProgress?.('honest nodes', year, settings.honestYears),
        })
  return {
    ...{ settings, kinds: results, honest, faults: members.faults() },
    hostile: members.list
      .filter(({ kind }) => kind !== 'honest')
      .map(({ kind, index }) => ({ kind, outAfterDays: members.outAfterDays(index) })),
  }
}
