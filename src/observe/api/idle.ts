import type { z } from 'zod'
import { IDLE_CLASSES, type IdleResult } from '../../idle/idle.ts'
import type { PublishedDataset } from '../datasets.ts'
import type * as schema from './schemas.ts'

type Told = NonNullable<z.infer<typeof schema.idle>['dataset']>

/** The dataset as the API tells it: classes heaviest first, in each the most LPT first. */
export function idleAnswer({ round, span, publisher, problems, results }: PublishedDataset): Told {
  const items = [...results].sort(
    (a, b) =>
      IDLE_CLASSES.indexOf(a.class) - IDLE_CLASSES.indexOf(b.class) ||
      Number(b.mintedLpt - a.mintedLpt) ||
      (a.address < b.address ? -1 : 1),
  )
  return {
    ...{ round, rounds: span?.rounds ?? 0, publisher, problems: [...problems] },
    ...{ fromBlock: String(span?.fromBlock ?? 0), toBlock: String(span?.toBlock ?? 0) },
    files: `/fisherman/v1/idle/round-${round}`,
    items: items.map(itemOf),
  }
}

function itemOf(one: IdleResult): Told['items'][number] {
  const { address, why, rewardCalls, rewardedRounds, tickets, relatedTickets, atRiskPpm } = one
  return {
    ...{ address, class: one.class, why, rewardCalls, rewardedRounds, tickets, relatedTickets },
    ...{ mintedWei: String(one.mintedLpt), redeemedWei: String(one.redeemedEth), relatedWei: String(one.relatedEth) },
    ...{ ownBondWei: String(one.ownBond), delegatedWei: String(one.delegated) },
    atRiskPpm: atRiskPpm === null ? null : String(atRiskPpm),
  }
}
