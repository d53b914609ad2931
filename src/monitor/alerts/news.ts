import type { CaseView } from '../../chain/types.ts'
import type { Memory } from './rules.ts'
import type { Alert, Observation } from './types.ts'

// Pure: what happened since the last round, each told once.

/** Of the chain only while it can be followed: what happened meanwhile is told when it can be again. */
export function newsOf(seen: Observation, before: Memory): Alert[] {
  // Whoever has looked knows parameters; cases there may have been none.
  const first = Object.keys(before.parameters).length === 0
  const ofChain =
    seen.trouble === undefined
      ? [
          ...(first ? [] : ofParameters(seen, before)),
          ...seen.cases.flatMap((one) => ofCase(one, before.cases[one.faultId], first)),
        ]
      : []
  return [...ofChain, ...seen.alarms.map(ofAlarm), ...seen.falseProofs.map(ofFalse)]
}

/** How far a case is, as it was told. */
export function stageOf({ state, appellant }: Pick<CaseView, 'state' | 'appellant'>): string {
  return state === 'convicted' && appellant ? 'appealed' : state
}

function ofParameters({ parameters, nowSec }: Observation, before: Memory): Alert[] {
  return Object.entries(parameters).flatMap(([name, value]): Alert[] => {
    const old = before.parameters[name]
    if (old === value) return []
    return [
      {
        // With its time: a value that was there before may come back.
        ...{ id: `parameter-changed:${name}:${value}:${nowSec}`, kind: 'parameter-changed', severity: 'critical' },
        says: `the parameter ${name} of the contracts is now ${value}; it was ${old ?? 'not there'}`,
        do: 'was this announced? type fisherman deploy --check to see whether the rules still hold',
      },
    ]
  })
}

/** `was` is how far it was at the last look; undefined where it was not there yet. */
function ofCase(one: CaseView, was: string | undefined, first: boolean): Alert[] {
  const { faultId, faultClass, transcoder, appellant } = one
  const now = stageOf(one)
  if (was === now) return []
  // At the very first look what is over by now is no news.
  if (first && !['open', 'answered', 'appealed'].includes(now)) return []
  const about = `case ${faultClass} ${faultId} against ${transcoder}`
  const look = `type fisherman case show ${faultId}`
  const news = (kind: 'case-new' | 'case-convicted', what: string): Alert[] => [
    { ...{ id: `${kind}:${faultId}`, kind, severity: 'info' }, says: `${about} ${what}`, do: look },
  ]
  // Between two looks a case may take more than one step.
  if (now === 'open' || (now === 'answered' && was === undefined)) return news('case-new', 'was opened')
  if (now === 'convicted') return news('case-convicted', 'is convicted')
  if (now === 'settled' && was !== 'convicted' && was !== 'appealed')
    return news('case-convicted', 'was convicted and is settled')
  if (now !== 'appealed') return []
  return [
    {
      ...{ id: `case-appealed:${faultId}`, kind: 'case-appealed', severity: 'warning' },
      says: `${about} is appealed by ${appellant}`,
      do: 'the oracle must decide before its time is over',
    },
  ]
}

function ofAlarm({ kind, transcoder, because, tx }: Observation['alarms'][number]): Alert {
  return {
    ...{ id: `evasion:${kind}:${tx}`, kind: 'evasion', severity: 'critical' },
    says: `${transcoder} moves what could be taken from it (${kind}) while ${because}`,
    do: `look at transaction ${tx}; proofs that are ready should be brought now`,
  }
}

function ofFalse({ id, reason }: Observation['falseProofs'][number]): Alert {
  return {
    ...{ id: `proof-false:${id}`, kind: 'proof-false', severity: 'warning' },
    says: `gossip brought a false proof ${id}: ${reason}`,
    do: 'nothing follows from it; many of them are an attack on the topic',
  }
}
