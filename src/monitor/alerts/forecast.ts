import type { CaseView } from '../../chain/types.ts'
import type { Forecast } from './types.ts'

/**
 * What will become of an open case if everybody does what the contract lets them do; undefined for one that is over. Times are the case's
 * own, as the chain told them when it was opened.
 */
export function forecastOf(one: CaseView, nowSec: number): Forecast | undefined {
  const { faultId, faultClass, transcoder, state } = one
  const base = { faultId, faultClass, transcoder, state, idleSec: 0 }
  switch (state) {
    case 'open':
    case 'answered': {
      const ends = one.expiresAtSec
      if (ends !== undefined && nowSec >= ends) return { ...base, next: 'expire', who: 'anybody', idleSec: nowSec - ends }
      const answerable = state === 'open' && one.answerUntilSec !== undefined && nowSec < one.answerUntilSec
      return {
        ...base,
        ...(answerable ? { next: 'answer-or-votes', who: 'accused, members' } : { next: 'votes', who: 'members' }),
        ...(ends === undefined ? {} : { untilSec: ends }),
      }
    }
    case 'convicted': {
      const ends = one.releaseAtSec
      if (ends !== undefined && nowSec >= ends) return { ...base, next: 'settle', who: 'anybody', idleSec: nowSec - ends }
      const until = ends === undefined ? {} : { untilSec: ends }
      return one.appellant
        ? { ...base, next: 'oracle', who: 'oracle', ...until }
        : { ...base, next: 'appeal-or-wait', who: 'nobody', ...until }
    }
    default:
      return undefined
  }
}

/** Forecasts of all cases that are not over, the most pressing first. */
export function forecastAll(cases: readonly CaseView[], nowSec: number): Forecast[] {
  return cases
    .flatMap((one) => forecastOf(one, nowSec) ?? [])
    .sort((a, b) => b.idleSec - a.idleSec || (a.untilSec ?? Infinity) - (b.untilSec ?? Infinity))
}
