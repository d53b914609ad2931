import type { Alert, AlertKind, Observation } from './types.ts'

// Where the facts of an alert come from, and which of these could be read in a round: who sees nothing says neither "it stands" nor "it is over".

/** Whole sources, and those that each daemon or account has of its own. */
type Whole = 'monitor' | 'chain' | 'contracts' | 'gossip'
type Own = 'reach' | 'readiness' | 'answers' | 'counts' | 'balance'

const FACTS: Readonly<Record<AlertKind, Whole | `${Own}:`>> = {
  ...{ 'case-idle': 'chain', 'case-new': 'chain', 'case-convicted': 'chain', 'case-appealed': 'chain', evasion: 'chain' },
  ...{ 'chain-stale': 'chain', paused: 'contracts', 'parameter-changed': 'contracts', 'proof-false': 'gossip' },
  // That we cannot see is what we always see.
  ...{ 'chain-trouble': 'monitor', 'gossip-trouble': 'monitor', 'daemon-down': 'reach:' },
  ...{ 'daemon-not-ready': 'readiness:', 'daemon-refused': 'answers:', 'daemon-unread': 'answers:', 'daemon-stuck': 'counts:' },
  'funds-low': 'balance:',
}

/** Every source that is watched, and whether it could be read in this round. What is not here is not watched, or not any more. */
export type Sight = ReadonlyMap<string, boolean>

/** Source of an alert, by its kind and, for daemons and accounts, by the subject that its id ends in. */
export function sourceOf({ kind, id }: Pick<Alert, 'kind' | 'id'>): string {
  const facts = FACTS[kind]
  return facts?.endsWith(':') ? `${facts}${id.slice(kind.length + 1)}` : facts
}

export function sightOf({ trouble, paused, daemons, balances, gossip }: Observation): Sight {
  const chain = trouble === undefined
  const sight = new Map<Whole | `${Own}:${string}`, boolean>([
    ['monitor', true],
    ['chain', chain],
    ['contracts', chain && paused !== undefined],
  ])
  if (gossip) sight.set('gossip', gossip.trouble === undefined)
  for (const { url, state, refused, checked } of daemons) {
    sight.set(`reach:${url}`, true)
    sight.set(`readiness:${url}`, state === 'ready' || state === 'not-ready')
    sight.set(`answers:${url}`, refused !== undefined || checked !== undefined)
    sight.set(`counts:${url}`, checked !== undefined)
  }
  for (const { address, wei } of balances) sight.set(`balance:${address}`, chain && wei !== undefined)
  return sight
}
