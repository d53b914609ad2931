import { systemClock } from '../base/clock.ts'
import { peersToFollow } from '../config/bootstrap.ts'
import { stateFolder } from '../config/paths.ts'
import { domainFrom, stateFileIn } from '../monitor/watch/domain.ts'
import { watch } from '../monitor/watch/library.ts'
import type { WatchEvent, WatchOptions } from '../monitor/watch/types.ts'
import { complain, usage } from './complain.ts'
import { toJson } from './json.ts'
import { sinceMs } from './since.ts'
import { untilSignal } from './until-signal.ts'
import type { WatchFlags } from './watch.options.ts'
import { falseLine, proofLine, summaryLine } from './watch-view.ts'

/** `fisherman watch`: exit code 0 ended, 1 something false was seen, 2 nothing could be followed. */
export async function watchCommand(flags: WatchFlags, signal: AbortSignal = untilSignal()): Promise<number> {
  try {
    const options = optionsOf(flags)
    const say = (text: string) => void (flags.json || console.error(`fisherman watch: ${text}`))
    say(`following the fraud proofs of chain ${options.chainId}, anchor ${options.anchor}`)
    const running = watch({ ...options, signal, onEvent: (event) => tell(event, flags.json ?? false, say) })
    for await (const proof of running)
      console.log(flags.json ? toJson({ type: 'proof', ...proof }) : proofLine(proof, systemClock.nowMs()))
    const counts = running.counts()
    if (flags.json) console.log(toJson({ type: 'end', ...counts }))
    else say(summaryLine(counts))
    return counts.false + counts.contradicted > 0 ? 1 : 0
  } catch (error) {
    complain('watch', error)
    return 2
  }
}

function tell(event: WatchEvent, json: boolean, say: (text: string) => void): void {
  if (json) console.log(toJson(event))
  else if (event.type === 'false') say(falseLine(event))
  else if (event.type === 'peers') say(event.connected === 1 ? '1 peer is connected' : `${event.connected} peers are connected`)
  else say(event.message)
}

function optionsOf(flags: WatchFlags): WatchOptions {
  const peers = peersToFollow(flags.peer, flags.network)
  const domain = domainFrom(flags)
  const { fetch = false, replay = false, bundles = [] } = flags
  const wantsBundles = fetch || replay
  if (wantsBundles && bundles.length === 0) throw usage('--fetch and --replay need --bundles URL: who serves the evidence')
  if (!wantsBundles && bundles.length > 0) throw usage('--bundles needs --fetch, or --replay to judge the pictures too')
  for (const url of bundles) if (!/^https?:\/\/[^\s]+$/.test(url)) throw usage(`--bundles '${url}': must be an http or https URL`)
  const stateFile = typeof flags.state === 'string' ? flags.state : stateFileIn(stateFolder(), domain)
  return {
    ...domain,
    peers,
    once: flags.once ?? false,
    ...(flags.state === false ? {} : { stateFile }),
    ...(flags.since === undefined ? {} : { since: sinceOf(flags.since) }),
    ...(wantsBundles ? { bundles: { urls: bundles, replay } } : {}),
  }
}

function sinceOf(text: string): NonNullable<WatchOptions['since']> {
  if (text === 'all') return { cursor: 0 }
  if (/^[0-9]{1,9}$/.test(text)) return { cursor: Number(text) }
  return { atMs: sinceMs(text, systemClock.nowMs()) }
}
