import type { Hex } from '../../../proofs/types.ts'
import { feedOf, ranked } from '../../score/feed.ts'
import { type Score, scoreOf } from '../../score/score.ts'
import type { Weights } from '../../score/weights.ts'
import { Problem } from '../api/problem.ts'
import type { AuthBody, StatsQuery, WebhookQuery } from './queries.ts'
import type { FeedSource, FeedSpan } from './source.ts'

/** Days that a score looks back where nobody says otherwise: as long as receipts and blobs are kept. */
export const SPAN_SEC = 14 * 86_400
/** Longest address that a gateway is sent to. */
const MAX_URI = 200

/** What unmodified gateways and leaderboards ask for, as objects; the routes make text of them. */
export function createFeedAnswers(source: FeedSource) {
  const spanOf = ({ since, until }: Partial<Pick<StatsQuery, 'since' | 'until'>>): FeedSpan => {
    const untilSec = until ?? Math.ceil(source.nowSec())
    return { sinceSec: since ?? untilSec - SPAN_SEC, untilSec }
  }

  function weightsOf(preset: string | undefined): Weights | undefined {
    if (preset === undefined) return undefined
    const found = source.presets.get(preset)
    if (!found) throw new Problem(400, `preset: there is none of that name; there are ${[...source.presets.keys()].join(', ')}`)
    return found
  }

  function scores(span: FeedSpan, preset: string | undefined): Map<Hex, Score> {
    const weights = weightsOf(preset)
    const facts = source.facts(span)
    // A part of all nodes would shut out the others: gateways take who is missing for 0.
    if (!facts) throw new Problem(503, 'not all orchestrators are known yet; ask again in a minute')
    return new Map([...facts].map(([address, one]) => [address, scoreOf(one, weights)]))
  }

  return {
    scores,
    aggregated(query: StatsQuery): unknown {
      // Of AI work nothing is known here.
      if (query.pipeline !== undefined || query.model !== undefined) return {}
      if (query.region !== undefined && query.region !== source.region) return {}
      const all = feedOf(scores(spanOf(query), query.preset), { floor: query.floor })
      const wanted = query.orchestrator
      const named = Object.entries(all).filter(([address]) => wanted === undefined || address === wanted)
      return Object.fromEntries(
        named
          .filter(([, { known }]) => query.unknown === 'pass' || known === 1)
          .map(([address, entry]) => [address, { [source.region]: entry }]),
      )
    },
    raw(query: StatsQuery): unknown {
      if (query.orchestrator === undefined) throw new Problem(400, 'orchestrator: name one: 0x and 40 hex digits')
      if (query.pipeline !== undefined || query.model !== undefined) return {}
      if (query.region !== undefined && query.region !== source.region) return {}
      const found = source.raw(query.orchestrator, spanOf(query))
      return found.length === 0 ? {} : { [source.region]: found }
    },
    regions: (): unknown => ({ regions: [{ id: source.region, name: source.region, type: 'transcoding' }] }),
    pipelines: (): unknown => ({ pipelines: [] }),
    /**
     * The list is the whole pool of a gateway: who is not in it gets nothing. A score is 1 (trusted) or 0; a gateway looks for exactly these,
     * and never asks a node with any other.
     */
    orchestrators(query: WebhookQuery): { address: string; score: number }[] {
      const uris = source.serviceUris()
      const able = ranked(scores(spanOf({}), query.preset)).flatMap(({ address, score }) => {
        const uri = uriOf(uris.get(address))
        return uri === undefined ? [] : [{ uri, score }]
      })
      const known = able.filter(({ score }) => score.tier === 'known').slice(0, query.top)
      const rest = query.unknown === 'omit' ? [] : able.filter(({ score }) => score.tier === 'unknown')
      const list = [...known, ...rest].map(({ uri, score }) => ({
        address: uri,
        score: query.trust === 'all' || score.tier === 'known' ? 1 : 0,
      }))
      // Two nodes behind one address are one to a gateway.
      return list.filter(({ address }, i) => list.findIndex((other) => other.address === address) === i)
    },
    auth({ url }: AuthBody, randomId: () => string): { manifestID: string; verificationFreq: number } {
      // A gateway compares one trusted node with two others: where there are not as many, it would pay for nothing.
      const facts = source.facts(spanOf({}))
      const tiers = [...(facts?.values() ?? [])].map((one) => scoreOf(one).tier)
      const count = (tier: Score['tier']) => tiers.filter((one) => one === tier).length
      const isAble = count('known') >= 1 && count('unknown') >= 2
      return { manifestID: manifestOf(url) ?? randomId(), verificationFreq: isAble ? source.verificationFreq : 0 }
    },
  }
}

/** What the registry has is whatever its owner wrote: only plain addresses of web servers are passed on. */
export function uriOf(text: string | undefined): string | undefined {
  if (text === undefined || text.length > MAX_URI || !URL.canParse(text)) return undefined
  const { protocol, username, password, hostname, port, pathname, search, hash } = new URL(text)
  if ((protocol !== 'https:' && protocol !== 'http:') || username || password || search || hash || !hostname) return undefined
  const path = pathname.replace(/\/+$/, '')
  return `${protocol}//${hostname}${port ? `:${port}` : ''}${path}`
}

/** The stream's name as the gateway itself would take it from the address: of `/live/NAME/7.ts`, `/live/NAME` and `/NAME/KEY`. */
export function manifestOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const [first = '', second] = new URL(url).pathname.split('/').filter(Boolean)
  const name = (first === 'live' ? second : first)?.replace(/\.(ts|mp4|m3u8)$/, '')
  return name !== undefined && /^[A-Za-z0-9_-]{1,100}$/.test(name) ? name : undefined
}
