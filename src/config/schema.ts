import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')
  .transform((text) => text.toLowerCase() as Hex)
const url = z.string().regex(/^https?:\/\/[^\s]+$/, 'must be an http or https URL')
const positive = z.number().int().positive()
const amount = z.number().min(0).max(1e9)

/** What a daemon may do, each mode all that the one before does: watch; sign answers; build and simulate transactions; send them. */
export const MODES = ['observe', 'attest', 'dry-run', 'active'] as const
export type Mode = (typeof MODES)[number]

/** The configuration of `fisherman run`; unknown keys are refused, since a misspelt limit is no limit. */
export const configSchema = z
  .strictObject({
    network: z.enum(['local', 'arbitrum-sepolia', 'arbitrum-one']).default('local'),
    mode: z.enum(MODES).default('observe'),
    /** Keeps log, guard, cache, bundles and identity. */
    dataDir: z.string().min(1),
    rpc: z.array(url).min(1, 'needs at least one RPC URL'),
    /** File that says where the contracts lie. */
    deployment: z.string().min(1),
    feeds: z.array(z.strictObject({ transcoder: address, url })).default([]),
    gossip: z
      .strictObject({
        listen: z.array(z.string()).default(['/ip4/127.0.0.1/tcp/0']),
        bootstrap: z.array(z.string()).default([]),
        /** Dials the fishermen that are known of the network too. */
        networkBootstrap: z.boolean().default(true),
        maxPeers: positive.default(50),
        /** Finds other daemons on the local network by multicast DNS, and shows this one to them. */
        mdns: z.boolean().default(false),
      })
      .prefault({}),
    http: z
      .strictObject({ host: z.string().default('127.0.0.1'), port: z.number().int().min(0).max(65535).default(7936) })
      .prefault({}),
    key: z.strictObject({ file: z.string().min(1), passwordFile: z.string().min(1) }).optional(),
    log: z
      .strictObject({
        level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
        format: z.enum(['human', 'json']).optional(),
      })
      .prefault({}),
    /**
     * What transactions may cost, lock and take at most. What is left out follows the network. A file called STOP in the data folder stops
     * all sending while it is there.
     */
    limits: z
      .strictObject({
        /** Gwei per gas that no transaction exceeds, also after its fee was raised. */
        maxFeeGwei: amount.optional(),
        /** Native coins for gas in any 24 hours: 0.05. */
        gasPerDay: amount.optional(),
        /** Tokens locked as bonds of our open cases at one time. */
        bond: amount.optional(),
        /** Proofs that take stake in any 24 hours. */
        slashesPerDay: z.number().int().min(0).optional(),
      })
      .prefault({}),
    /** Public randomness that draws come from, on every network but `local`. */
    beacon: z
      .strictObject({
        /** HTTP relays of drand, asked in turn; each answer is checked, so none of them needs to be trusted. */
        urls: z
          .array(url)
          .min(1, 'needs at least one relay')
          .default(['https://api.drand.sh', 'https://api2.drand.sh', 'https://api3.drand.sh', 'https://drand.cloudflare.com']),
      })
      .prefault({}),
    /**
     * What checks may cost in a day of chain time; without limit where nothing is said. What goes beyond is left to others and counted; the
     * last fifth of each is kept for replays.
     */
    budget: z
      .strictObject({
        /** Seconds that the judge is busy. */
        secondsPerDay: z.number().positive().optional(),
        /** Bytes of media asked for. */
        bytesPerDay: positive.optional(),
      })
      .prefault({}),
    /** Checks at once; each is one ffmpeg process. */
    ffmpegJobs: positive.max(64).default(1),
    /** `auto` tries the graphics cards at start and uses what agrees with software, for everyday checks only. */
    hardware: z.enum(['auto', 'off']).default('auto'),
    /** Bytes of media kept for checks; evidence is kept apart. */
    cacheBytes: positive.default(2_000_000_000),
    /** Bytes of evidence bundles; those of open cases stay in any case, beyond them the oldest go first. */
    evidenceBytes: positive.default(20_000_000_000),
    /** HTTP addresses of other fishermen that evidence is asked from where no peer has it. */
    evidenceUrls: z.array(url).default([]),
    /** Samples waiting for a check; when it is full the newest least urgent one is dropped and counted. */
    maxWaiting: positive.default(1000),
  })
  .refine((config) => config.mode === 'observe' || config.key !== undefined, {
    message: 'is needed in every mode but observe (file and passwordFile)',
    path: ['key'],
  })

export type Config = z.output<typeof configSchema>
