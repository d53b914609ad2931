import type { Config } from './schema.ts'

/** What a first configuration says; the rest are defaults. */
export interface FirstConfig {
  network: Config['network']
  mode: Config['mode']
  dataDir: string
  rpc: readonly string[]
  deployment: string
  feeds: readonly { transcoder: string; url: string }[]
  bootstrap: readonly string[]
  httpPort: number
  key?: { file: string; passwordFile: string }
}

/** A configuration as a person would write it, with comments. What JSON quotes, YAML reads. */
export function configText(first: FirstConfig): string {
  const q = (value: unknown) => JSON.stringify(value)
  const feeds = first.feeds.map(({ transcoder, url }) => `\n  - { transcoder: ${q(transcoder)}, url: ${q(url)} }`).join('')
  const key = first.key
    ? `# Signs what this fisherman says. Both files are for their owner only; keep a copy of both elsewhere.
key: { file: ${q(first.key.file)}, passwordFile: ${q(first.key.passwordFile)} }`
    : '# To sign, set a mode above observe and make a key: fisherman keys new\n# key: { file: keys/answers.json, passwordFile: keys/answers.password }'
  return `# Configuration of a fisherman. All keys: fisherman config reference. What holds, and why: fisherman config show.
# A running daemon reads this file again on SIGHUP: feeds, budget, log level, limits and bootstrap change at once.

network: ${first.network}
# observe signs nothing; attest signs answers and votes; dry-run simulates transactions; active sends them.
mode: ${first.mode}
# Log, guard, evidence, identity. Never copy it to a second machine that runs.
dataDir: ${q(first.dataDir)}
# Two or more are compared before anything is sent.
rpc: ${q(first.rpc)}
# Where the contracts lie, as fisherman deploy writes it.
deployment: ${q(first.deployment)}

# Orchestrators to check: { transcoder: "0x…", url: http://host:port }
feeds:${feeds || ' []'}

# Peers to dial first. To be dialled, listen on a fixed port: listen: [/ip4/0.0.0.0/tcp/7935]
gossip: { bootstrap: ${q(first.bootstrap)} }
# The page, the API and /metrics.
http: { host: 127.0.0.1, port: ${first.httpPort} }

${key}

# What checks may cost in a day; more is left to others.
# budget: { secondsPerDay: 3600, bytesPerDay: 2000000000 }
# What transactions may cost, lock and take; the network's own limits hold where nothing is said.
# limits: { gasPerDay: 0.05, bond: 250, slashesPerDay: 20 }
`
}
