import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'
import { httpGetJson } from '../base/http-get.ts'
import type { Chain } from '../chain/types.ts'
import type { FishermanFacts } from './demo-report.ts'
import type { Standing } from './expectations.ts'
import type { Behaviour } from './work.ts'

const count = z.number().int().nonnegative()
const counts = z.looseObject({ receipts: count, checked: count, pass: count, fail: count, inconclusive: count, withheld: count })
const summarySchema = z.looseObject({
  peers: count,
  checked: count,
  statementsSent: count,
  statementsReceived: count,
  orchestrators: z.record(z.string(), counts),
})
export type Summary = z.output<typeof summarySchema>

/** What one fisherman says of itself; undefined when it does not answer. */
export async function readSummary(url: string, signal: AbortSignal): Promise<Summary | undefined> {
  try {
    return summarySchema.parse(await httpGetJson(`${url}/api/v1/summary`, { maxBytes: 1 << 20, timeoutMs: 5000, signal }))
  } catch (error) {
    if (signal.aborted) throw error
    return undefined
  }
}

/** One line for each orchestrator, from what all fishermen say and from the cases of the chain. */
export function standingsOf(
  nodes: readonly { behaviour: Behaviour; address: Hex }[],
  summaries: readonly Summary[],
  cases: ReturnType<Chain['cases']>,
): Standing[] {
  return nodes.map(({ behaviour, address }) => {
    const seen = summaries.flatMap((summary) => summary.orchestrators[address] ?? [])
    const sum = (name: 'checked' | 'pass' | 'fail' | 'inconclusive' | 'withheld') =>
      seen.reduce((total, one) => total + one[name], 0)
    const convictions = cases.flatMap(({ transcoder, state, faultClass, tx, gasUsed, amount }) =>
      transcoder === address && (state === 'convicted' || state === 'settled') && gasUsed !== undefined
        ? [{ faultClass, tx, gasUsed, taken: amount ?? 0n }]
        : [],
    )
    return {
      ...{ behaviour, address, convictions },
      receipts: Math.max(0, ...seen.map((one) => one.receipts)),
      ...{ checked: sum('checked'), pass: sum('pass'), fail: sum('fail') },
      ...{ inconclusive: sum('inconclusive'), withheld: sum('withheld') },
    }
  })
}

export function fishermanFacts(address: Hex, summary: Summary | undefined): FishermanFacts {
  const { peers = 0, checked = 0, statementsSent = 0, statementsReceived = 0 } = summary ?? {}
  return { address, peers, checked, statementsSent, statementsReceived }
}
