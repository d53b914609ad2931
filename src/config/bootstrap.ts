import { FishermanError } from '../base/errors.ts'
import type { Config } from './schema.ts'

/**
 * Fishermen that a new one on this network dials first, as multiaddrs with their peer id. They introduce others and are trusted with nothing: what
 * they say is checked as what anybody says. Empty until operators of a public network offer lasting addresses; add yours by a pull request. A
 * local network has none, since its ports are not known before it runs.
 */
export const BOOTSTRAP: Readonly<Record<Config['network'], readonly string[]>> = {
  local: [],
  'arbitrum-sepolia': [],
  'arbitrum-one': [],
}

/** The operator's own peers first, then those of the network, each once. */
export function withBootstrap(config: Config, known: readonly string[] = BOOTSTRAP[config.network]): Config {
  const { bootstrap, networkBootstrap } = config.gossip
  const all = networkBootstrap ? [...bootstrap, ...known] : bootstrap
  return { ...config, gossip: { ...config.gossip, bootstrap: [...new Set(all)] } }
}

/** Whom to follow: those that were named, else those of the network. Throws `bad-usage` where there is nobody. */
export function peersToFollow(
  named: readonly string[] | undefined,
  network: string | undefined,
  lists: Readonly<Record<string, readonly string[]>> = BOOTSTRAP,
): readonly string[] {
  if (named && named.length > 0) return named
  const known = network === undefined ? [] : (lists[network] ?? [])
  if (known.length > 0) return known
  const where = network === undefined ? 'without --network no fisherman is known' : `no fisherman of ${network} is known yet`
  throw new FishermanError({
    code: 'bad-usage',
    message: `${where}: name one with --peer, as /ip4/192.0.2.1/tcp/7935; its operator finds the address in daemon.json of its data folder, or with \`fisherman net doctor\``,
    blame: 'ours',
  })
}
