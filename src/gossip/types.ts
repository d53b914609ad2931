import type { AnyStatement } from '../../proofs/codec.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import type { Logger } from '../base/log.ts'
import type { BundleDesk } from './bundle-client.ts'
import type { BundleShelf } from './bundles.ts'
import type { PeerView } from './contacts.ts'
import type { HeadKeeper, ReturnedHead } from './heads.ts'
import type { StatementLog } from './pull-server.ts'
import type { PullPlaces } from './puller.ts'
import type { Refused } from './refusal.ts'
import type { PeerStatus } from './status.ts'
import type { ChainView, Road } from './validate.ts'

export interface GossipInit {
  domain: Domain
  verdictVersion: number
  /** Multiaddrs to listen on, for example `/ip4/127.0.0.1/tcp/0`. */
  listen: string[]
  /** Multiaddrs of peers to dial, with or without `/p2p/<id>`. */
  bootstrap: string[]
  /** Made with mode 0600 where it does not exist. @default a new identity each start */
  identityFile?: string
  /** `fraud-proofs` follows that one topic, on any verdict version, and pulls nothing else. @default 'all' */
  follow?: 'all' | 'fraud-proofs'
  /** Connections at most. @default 50 */
  maxPeers?: number
  /** Peers met are dialled while there are fewer links than this. @default 25, at most `maxPeers` */
  targetPeers?: number
  /** Links that we choose ourselves, at least, so that who comes in by itself can never be all that we hear. @default a third of the target */
  minOutbound?: number
  /** Keeps addresses of peers met over a restart; nothing is kept without. */
  peersFile?: string
  /** Finds peers on the local network by multicast. @default off */
  mdns?: { port?: number }
  /** Milliseconds between two pulls from one peer; 3,000 at the `local` preset. @default 30,000 */
  pullEveryMs?: number
  /** Seconds of one feed window. */
  windowSeconds: number
  /** Seconds after which windows and seals are too old to matter. @default 15 rounds of Livepeer's 5,760 L1 blocks, 12 s each */
  statuteSeconds?: number
  /** `memory` is for tests in one process. @default 'tcp' */
  transports?: 'tcp' | 'memory'
  /** Agent name that identify shows. @default 'fisherman' */
  agent?: string
}

export interface GossipDeps {
  clock: { nowMs(): number }
  /** Unix seconds of chain time. */
  nowSec(): number
  log: Logger
  view: ChainView
  /** Statements sent and received, which we serve to peers. The id is keccak256 of the payload. */
  store: StatementLog & { has(id: Hex): boolean | Promise<boolean> }
  /**
   * Called once for each new valid statement, one at a time, proofs and votes first, otherwise in the order of arrival. Must keep the statement in the store before it
   * resolves; a statement whose delivery throws is taken again when it comes again.
   */
  deliver(statement: AnyStatement, bytes: Uint8Array, from: Road): Promise<void>
  /** Says which accepted statements go on to other peers. @default all of them */
  relays?(statement: AnyStatement): boolean
  /** Hears of everything that is refused. Must not throw. */
  onRefused?(refused: Refused): void
  /** Keeps our places in peers' logs across restarts. */
  places?: PullPlaces
  /** Heads of others' logs that we keep for them; without it we return none. */
  heads?: HeadKeeper
  /** Evidence that we serve to members, and how we ask for it; without it we do neither. */
  bundles?: BundleShelf & BundleDesk
}

export interface GossipPeer extends PeerView {
  id: string
  address: string
  direction: 'inbound' | 'outbound'
  /** Our topics that the peer listens to. */
  topics: number
  /** Gossip score: below 0 it misbehaved, below -800 nothing of it is heard. */
  score: number
  /** What it told of itself; undefined until it did, and for versions that tell nothing. */
  status: PeerStatus | undefined
  /** Milliseconds of a round trip, as the last ping took; undefined before the first. */
  latencyMs: number | undefined
  /** Unix milliseconds. */
  connectedAtMs: number
}

export interface Gossip {
  peerId: string
  /** Multiaddrs with the peer id, ready to be someone's bootstrap entry. */
  addresses(): string[]
  peers(): GossipPeer[]
  /** Name of our topics: 4 bytes of hex, with and without the verdict version. */
  digests: { full: string; stable: string }
  /** Addresses under which peers see us, those of most peers first; ports are those of outgoing links where we dialled. */
  seenAs(): string[]
  /**
   * Sends a statement that is already in the store; with no peer at all it is not lost, they pull it later. Throws `statement-invalid` for one that
   * every peer would reject.
   */
  publish(statement: AnyStatement): Promise<{ recipients: number }>
  /** Asks all connected peers for the last head of this fisherman's log; those that do not answer are left out. */
  askHeads(fisherman: Hex, options: { signal: AbortSignal }): Promise<ReturnedHead[]>
  /**
   * Fetches the evidence of a case from peers that hold it, over as many of them as it takes; returns where it lies. Throws `bundle-unavailable`
   * where nobody gives it, `no-key` without a key.
   */
  fetchBundle(evidenceHash: Hex, options: { signal: AbortSignal }): Promise<string>
  /** Dials these from now on instead of `bootstrap`; links stay. Throws `bad-address`, and changes nothing then. */
  setBootstrap(addresses: readonly string[]): void
  /** `accepted.<kind>`, `ignored.<kind>.<code>`, `rejected.<kind>.<code>`, `delivered.<kind>`, `pull.*`, `peers.*`, `banned.*`. */
  counters(): Record<string, number>
  stop(): Promise<void>
}
