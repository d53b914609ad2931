import { readFile } from 'node:fs/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import { messageOf } from '../base/errors.ts'
import { createLateFile } from '../base/late-file.ts'
import type { Logger } from '../base/log.ts'

/** A peer that we have met, and where it said that it listens. */
export interface KnownPeer {
  id: string
  addresses: string[]
  /** Unix milliseconds when a link to it last stood. */
  seenMs: number
}

/** Peers met, on disk: a node that comes back finds the network though its bootstrap peers are gone. */
export interface PeerStore {
  all(): readonly KnownPeer[]
  /** Newest first out: the ones that were not seen for the longest time make room. */
  keep(peer: KnownPeer): void
  forget(id: string): void
  /** Writes what is not written yet. */
  close(): Promise<void>
}

const MAX_KEPT = 256
const MAX_ADDRESSES = 8
/** Older ones are most likely gone; a month is longer than any holiday of a machine. */
const MAX_AGE_MS = 30 * 86_400_000
const WRITE_EVERY_MS = 5_000

const FILE = z.array(
  z.strictObject({
    id: z.string().max(128),
    addresses: z.array(z.string().max(512)).max(MAX_ADDRESSES),
    seenMs: z.number().int().nonnegative(),
  }),
)

export async function openPeerStore(
  file: string | undefined,
  deps: { log: Logger; clock: { nowMs(): number } },
): Promise<PeerStore> {
  const kept = new Map<string, KnownPeer>()
  for (const peer of file === undefined ? [] : await load(file, deps.log))
    if (peer.seenMs > deps.clock.nowMs() - MAX_AGE_MS) kept.set(peer.id, peer)
  const written =
    file === undefined
      ? undefined
      : createLateFile(
          {
            ...{ file, everyMs: WRITE_EVERY_MS, trouble: 'Addresses of peers could not be kept' },
            text: () => JSON.stringify([...kept.values()]),
          },
          deps,
        )

  return {
    all: () => [...kept.values()],
    keep({ id, addresses, seenMs }) {
      const known = addresses.length > 0 ? addresses.slice(0, MAX_ADDRESSES) : (kept.get(id)?.addresses ?? [])
      if (known.length === 0) return
      kept.delete(id)
      kept.set(id, { id, addresses: known, seenMs })
      if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value as string)
      written?.changed()
    },
    forget(id) {
      if (kept.delete(id)) written?.changed()
    },
    close: async () => written?.close(),
  }
}

async function load(file: string, log: Logger): Promise<KnownPeer[]> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return []
  try {
    const peers = FILE.parse(JSON.parse(text))
    for (const address of peers.flatMap(({ addresses }) => addresses)) multiaddr(address)
    return peers.slice(-MAX_KEPT)
  } catch (error) {
    // Ours to lose: the bootstrap peers know the others.
    log.warn('Addresses of peers are unreadable, beginning anew', { file, reason: messageOf(error) })
    return []
  }
}
