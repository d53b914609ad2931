import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Hex } from '../../../proofs/types.ts'
import { FishermanError, isFishermanError, messageOf } from '../../base/errors.ts'
import { httpGetJson } from '../../base/http-get.ts'
import { PLACES } from '../../config/paths.ts'
import { readToken } from '../../observe/token.ts'

const announced = z.looseObject({ pid: z.number().int().positive(), http: z.string(), tokenFile: z.string().optional() })

const peer = z.looseObject({
  id: z.string(),
  address: z.string(),
  direction: z.enum(['inbound', 'outbound']),
  topics: z.number(),
  agent: z.string(),
  speaks: z.enum(['full', 'fraud-proofs']),
  score: z.number(),
  latencyMs: z.number().optional(),
  connectedAtMs: z.number(),
  lastSeenMs: z.number(),
})
/** A link of the daemon, as it tells it. */
export type Peer = z.output<typeof peer>

const hex = z
  .string()
  .regex(/^0x[0-9a-f]+$/)
  .transform((text) => text as Hex)
const network = z.looseObject({
  peer: z.string(),
  chainId: z.string().transform(BigInt),
  anchor: hex,
  verdictVersion: z.number(),
  digests: z.looseObject({ full: z.string(), stable: z.string() }),
  addresses: z.array(z.string()),
  seenAs: z.array(z.string()),
  peers: z.array(peer),
  foreign: z.number(),
  clock: z.looseObject({
    systemSec: z.number(),
    chainSec: z.number(),
    headAgeSec: z.number(),
    peersAhead: z.array(z.looseObject({ fisherman: hex, seconds: z.number() })),
  }),
})
/** What the doctor of the network begins with. */
export type Network = z.output<typeof network>

const MAX_BYTES = 4 << 20
const TIMEOUT_MS = 5_000

/** Links of the daemon that works in this folder. */
export async function readPeers(dataDir: string, options: { signal: AbortSignal }): Promise<Peer[]> {
  return (await ask(dataDir, '/api/v1/peers', z.looseObject({ peers: z.array(peer) }), options)).peers
}

export async function readNetwork(dataDir: string, options: { signal: AbortSignal }): Promise<Network> {
  return await ask(dataDir, '/api/v1/network', network, options)
}

const count = z.number()
const summary = z.looseObject({
  ...{ address: hex.nullable(), mode: z.string(), notReady: z.string().nullable() },
  signing: z.looseObject({ state: z.string(), reason: z.string().nullable() }),
  ...{ peers: count, checked: count, waiting: count },
  orchestrators: z.record(z.string(), z.looseObject({ fail: count, withheld: count, inconclusive: count })),
  bundles: count,
  money: z.looseObject({ takenWei: z.string().transform(BigInt), gasUsed: z.string() }),
  log: z.looseObject({ size: count }),
})
/** What a daemon says of itself, and where. */
export type SelfReport = z.output<typeof summary> & { url: string; isPaused: boolean }

export async function readSelf(dataDir: string, options: { signal: AbortSignal }): Promise<SelfReport> {
  const said = await ask(dataDir, '/api/v1/summary', summary, options)
  return { ...said, url: `${await urlOf(dataDir)}/`, isPaused: existsSync(join(dataDir, PLACES.pause)) }
}

const line = z.number().nullable()
const draws = z.looseObject({
  ...{ receiptDigest: hex, transcoder: hex, requester: hex, streamId: hex, seq: z.string(), windowId: z.string() },
  ...{ completedAt: z.number(), nowSec: z.number(), beaconSec: z.number(), beacon: hex.optional() },
  ...{ members: z.number(), receipts: z.number(), times: z.number() },
  we: z.enum(['drawn', 'no-key', 'not-signing', 'not-a-member']),
  renditions: z.array(
    z.looseObject({
      ...{ rendition: z.number(), sampleId: hex, isSelected: z.boolean(), isDrawable: z.boolean() },
      // Where everything is looked at the line is infinite, for which JSON has no number.
      selection: z.looseObject({ value: z.number(), line, mostLine: line }),
      ticket: z
        .looseObject({
          ...{ value: z.number(), firstLine: line, lastLine: line },
          ...{ tranche: z.number().optional(), afterSeconds: z.number().optional() },
        })
        .optional(),
      state: z.string().optional(),
      verdict: z.string().optional(),
      seals: z.array(
        z.looseObject({
          ...{ member: hex, deadlineSec: z.number(), isReplay: z.boolean(), isTrusted: z.boolean() },
          outcome: z.string().optional(),
        }),
      ),
    }),
  ),
})
/** Why a receipt is looked at, and by whom, as the daemon tells it. */
export type Draws = z.output<typeof draws>

export async function readDraws(dataDir: string, digest: string, options: { signal: AbortSignal }): Promise<Draws> {
  if (!/^0x[0-9a-fA-F]{64}$/.test(digest))
    throw new FishermanError({
      code: 'bad-digest',
      message: `'${digest}' is no receipt digest: 0x and 64 hex digits, as fisherman log ls shows them`,
      blame: 'ours',
    })
  const none = `no feed that this fisherman follows has shown the receipt ${digest} lately`
  return await ask(dataDir, `/api/v1/receipts/${digest.toLowerCase()}/draws`, draws, { ...options, none })
}

/** A daemon writes where it answers into its data folder. `none` is what a 404 means. */
async function ask<T>(
  dataDir: string,
  path: string,
  schema: z.ZodType<T>,
  { signal, none }: { signal: AbortSignal; none?: string },
): Promise<T> {
  const { url, pid, headers, trouble } = await daemonOf(dataDir)
  try {
    return schema.parse(await httpGetJson(`${url}${path}`, { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS, headers, signal }))
  } catch (cause) {
    signal.throwIfAborted()
    if (isFishermanError(cause) && cause.code === 'http-404')
      throw silent(none ?? `the fisherman at ${url} is of an older version; update and restart it`, cause)
    if (isFishermanError(cause) && (cause.code === 'http-401' || cause.code === 'http-403')) throw refused(url, trouble, cause)
    throw silent(`the fisherman of ${dataDir} (process ${pid}) does not answer at ${url}; if it has ended, start it anew`, cause)
  }
}

/** Where the daemon that works in this folder answers. */
export async function urlOf(dataDir: string): Promise<string> {
  return (await daemonOf(dataDir)).url
}

/** How to ask a daemon: where, and with what. */
export interface Daemon {
  url: string
  pid: number
  /** Its token, where its configuration names one that we may read. */
  headers: Readonly<Record<string, string>>
  /** Why there is no token where one is named; it may answer all the same. */
  trouble?: string
}

export async function daemonOf(dataDir: string): Promise<Daemon> {
  const file = join(dataDir, 'daemon.json')
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw silent(`no fisherman runs in ${dataDir} (there is no daemon.json); start one: fisherman run`, cause)
  })
  try {
    const { http, pid, tokenFile } = announced.parse(JSON.parse(text))
    return { url: loopbackOf(http), pid, ...passOf(tokenFile) }
  } catch (cause) {
    throw silent(`${file} does not say where the fisherman answers; start it anew`, cause)
  }
}

function passOf(tokenFile: string | undefined): Pick<Daemon, 'headers' | 'trouble'> {
  try {
    const { token } = readToken(tokenFile)
    return { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }
  } catch (error) {
    return { headers: {}, trouble: messageOf(error) }
  }
}

/** Bound to all interfaces it answers here too, and here it knows us as of this machine. */
function loopbackOf(http: string): string {
  return http.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}

function refused(url: string, trouble: string | undefined, cause: unknown): FishermanError {
  const why = trouble === undefined ? '; ask on the machine that it runs on' : `, and its token cannot be read: ${trouble}`
  const message = `the fisherman at ${url} runs, and takes us for another machine${why}`
  return new FishermanError({ code: 'daemon-refuses', message, blame: 'ours', cause })
}

function silent(message: string, cause: unknown): FishermanError {
  return new FishermanError({ code: 'daemon-silent', message, blame: 'ours', cause })
}
