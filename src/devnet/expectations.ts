import type { FaultClass, Hex } from '../../proofs/types.ts'
import type { Behaviour } from './work.ts'

/** What a node deserves. */
export type Expected = 'clean' | 'convicted' | 'failed' | 'withheld'

/** What the fishermen and the chain say about one orchestrator. Counts are summed over the fishermen, receipts are counted once. */
export interface Standing {
  behaviour: Behaviour
  address: Hex
  receipts: number
  checked: number
  pass: number
  fail: number
  inconclusive: number
  withheld: number
  convictions: readonly Conviction[]
}

export interface Conviction {
  faultClass: FaultClass
  tx: Hex
  gasUsed: bigint | undefined
  /** 10^-18 tokens. */
  taken: bigint
}

export const EXPECTED: Readonly<Record<Behaviour, { fate: Expected; faultClass?: FaultClass }>> = {
  honest: { fate: 'clean' },
  withhold: { fate: 'withheld' },
  upscale: { fate: 'failed' },
  passthrough: { fate: 'convicted', faultClass: 'O3' },
  replay: { fate: 'convicted', faultClass: 'D2' },
  freeze: { fate: 'convicted', faultClass: 'D2' },
  equivocate: { fate: 'convicted', faultClass: 'O1' },
}

/** The conviction that counts for a behaviour: that of its own class. */
export function convictionOf({ behaviour, convictions }: Standing): Conviction | undefined {
  return convictions.find(({ faultClass }) => faultClass === EXPECTED[behaviour].faultClass) ?? convictions[0]
}

/** Why a node has not got what it deserves; undefined when it has. `published` is the number of its receipts, once all are out. */
export function unmet(standing: Standing, published: number | undefined): string | undefined {
  const wrong = wronged(standing)
  if (wrong) return wrong
  const { behaviour, receipts, checked, fail, withheld } = standing
  const { fate, faultClass } = EXPECTED[behaviour]
  const seen = `(${receipts} receipts, ${checked} checks, ${fail} failed)`
  if (fate === 'convicted') {
    if (standing.convictions.some((conviction) => conviction.faultClass === faultClass)) return undefined
    const others = standing.convictions.map((conviction) => conviction.faultClass).join(', ')
    return `${behaviour} was not convicted of ${faultClass}${others ? `, only of ${others}` : ''} ${seen}`
  }
  if (fate === 'failed') return fail > 0 ? undefined : `${behaviour} was never failed ${seen}`
  if (fate === 'withheld') return withheld > 0 ? undefined : `${behaviour} was never found to withhold ${seen}`
  if (published === undefined) return `${behaviour} has not published all of its receipts ${seen}`
  if (receipts < published) return `only ${receipts} of the ${published} receipts of ${behaviour} were seen`
  return checked < published ? `only ${checked} checks of the ${published} receipts of ${behaviour} were made` : undefined
}

/** What can never become right again: an accusation that is not deserved. */
export function wronged({ behaviour, fail, inconclusive, withheld, convictions }: Standing): string | undefined {
  const { fate } = EXPECTED[behaviour]
  const [conviction] = convictions
  if (fate !== 'convicted' && conviction)
    return `${behaviour} was convicted of ${conviction.faultClass}, which it did not deserve`
  if (fate === 'withheld' && fail > 0) return `${behaviour} was failed ${fail} times; bytes that are missing are no proof`
  if (fate === 'clean' && fail + inconclusive + withheld > 0)
    return `${behaviour} only does honest work, but ${fail} checks failed it, ${inconclusive} were inconclusive and ${withheld} withheld`
  return undefined
}
