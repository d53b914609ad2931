import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'

/** Longest text of one value; paths and URLs are shorter everywhere. */
const MAX_TEXT = 4096
const MAX_BYTES = 1e15

const text = () => z.string().min(1, 'must not be empty').max(MAX_TEXT, `must have at most ${MAX_TEXT} characters`)
/** A file or folder: relative to the configuration where it is written there, to the working folder in flags and variables. */
const path = () => text().meta({ path: true })
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')
  .transform((value) => value.toLowerCase() as Hex)
const url = text().regex(/^https?:\/\/[^\s]+$/, 'must be an http or https URL')
const positive = () => z.number().int().positive()
const amount = () => z.number().min(0).max(1e9)
const keyFiles = (whose: string) =>
  z.strictObject({
    file: path().describe(`Web3 v3 keystore ${whose}, chmod 600; fisherman keys new makes one.`),
    passwordFile: path().describe('File with the password of that keystore, chmod 600.'),
  })

/** What a daemon may do, each mode all that the one before does: watch; sign answers; build and simulate transactions; send them. */
export const MODES = ['observe', 'attest', 'dry-run', 'active'] as const
export type Mode = (typeof MODES)[number]
export const NETWORKS = ['local', 'arbitrum-sepolia', 'arbitrum-one'] as const

/**
 * The configuration of `fisherman run`, and the only place that knows its keys: types, limits, help, variables, flags and the reference are made
 * from it. Unknown keys are refused, since a misspelt limit is no limit. `reload` marks what a running daemon takes over on SIGHUP, `fallback`
 * says what holds where nothing is given and no constant says it, `secret` that a value may hold a token.
 */
export const configSchema = z
  .strictObject({
    network: z.enum(NETWORKS).default('local').describe('Network whose clocks, draws and limits hold.'),
    mode: z
      .enum(MODES)
      .default('observe')
      .describe(
        'What it may do, each mode all that the one before does: observe signs nothing, attest signs answers and votes, dry-run simulates transactions, active sends them.',
      ),
    dataDir: path()
      .describe('Folder of log, guard, cache, bundles and identity.')
      .meta({ fallback: '`$XDG_DATA_HOME/fisherman`, or `~/.local/share/fisherman`' }),
    rpc: z
      .array(url)
      .min(1, 'needs at least one RPC URL')
      .max(20)
      .describe('RPC endpoints of the chain; two or more are compared before anything is sent.')
      .meta({ secret: true }),
    deployment: path().describe('File that says where the contracts lie, as fisherman deploy writes it.'),
    feeds: z
      .array(z.strictObject({ transcoder: address, url }))
      .max(10_000)
      .default([])
      .describe('Orchestrators to check: transcoder (address) and url of the feed.')
      .meta({ reload: true, secret: true }),
    gossip: z
      .strictObject({
        listen: z
          .array(text())
          .max(20)
          .default(['/ip4/127.0.0.1/tcp/0'])
          .describe('Multiaddrs to listen on; a fixed port lets others dial us.'),
        bootstrap: z.array(text()).max(200).default([]).describe('Multiaddrs of peers to dial first.').meta({ reload: true }),
        networkBootstrap: z.boolean().default(true).describe('Dials the fishermen that are known of the network too.'),
        maxPeers: positive().max(10_000).default(50).describe('Connections at most.'),
        mdns: z
          .boolean()
          .default(false)
          .describe('Finds other daemons on the local network by multicast DNS, and shows this one to them.'),
      })
      .prefault({}),
    http: z
      .strictObject({
        host: text().default('127.0.0.1').describe('Address of the page, the API and /metrics.'),
        port: z.number().int().min(0).max(65535).default(7936).describe('Its port; 0 takes any free one.'),
        tokenFile: path()
          .optional()
          .describe(
            'File (chmod 600) with the token that other machines need for the page and the API; without one only this machine is answered.',
          ),
        trustLocal: z
          .boolean()
          .default(true)
          .describe(
            'This machine needs no token; false where a proxy on it lets others in, since they all come from this machine then.',
          ),
        openMetrics: z
          .boolean()
          .default(false)
          .describe(
            'Tells /metrics to other machines without a token, for a network of your own: they show verdicts before these are public, and warn whom they are about.',
          ),
        showPrivate: z
          .boolean()
          .default(false)
          .describe('Shows pictures of private streams on the page and in the API, where their evidence is kept.'),
      })
      .refine(({ trustLocal, tokenFile }) => trustLocal || tokenFile !== undefined, {
        message: 'is needed where http.trustLocal is false: without a token nobody would be answered',
        path: ['tokenFile'],
      })
      .prefault({}),
    region: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,32}$/, 'must be 1 to 32 letters, digits, hyphens or underscores')
      .default('GLOBAL')
      .describe('Name of the region that this fisherman measures from; gateways name the same as -region.'),
    scores: z
      .strictObject({
        weightsFile: path()
          .optional()
          .describe('File (JSON or YAML) with presets of your own for the score feeds: name, and weights of the axes.'),
        postSecretFile: path()
          .optional()
          .describe(
            "File (chmod 600) with the secret of Livepeer's stream tester: what it posts to /api/post_stats is the speed in our scores.",
          ),
        verificationFreq: z
          .number()
          .int()
          .min(0)
          .max(10_000)
          .default(10)
          .describe('What the auth webhook asks of gateways: of so many segments one is verified again; 0 is none.'),
      })
      .prefault({}),
    probe: z
      .strictObject({
        perDay: z
          .number()
          .min(0)
          .max(1_000)
          .default(0)
          .describe(
            'Streams that each node of the list of orchestrators gets from us in a day, at random times; 0 buys nothing.',
          ),
        segments: positive().max(100).default(4).describe('Segments of such a stream.'),
        burst: z
          .number()
          .int()
          .min(0)
          .max(20)
          .default(0)
          .describe(
            'Streams at once that a node is asked for, twice a round of Livepeer, at a moment that a beacon names to all fishermen: its capacity. 0 asks for none.',
          ),
        sources: path()
          .optional()
          .describe('Folder of your own videos that streams are cut from.')
          .meta({ fallback: 'generated pictures, which a node might know by their look' }),
        maxHeight: positive().max(2_160).default(720).describe('Lines of a source at most; none has fewer than 360.'),
        keys: z
          .array(keyFiles('of a gateway, with a deposit in the TicketBroker'))
          .max(20)
          .default([])
          .describe(
            'Identities that streams are sent with, drawn for each; use none that does anything else, and none that is connected with you.',
          )
          .meta({ fallback: 'none: only nodes that want nothing are used, and their work has no receipt' }),
        maxPriceWei: positive().default(2_000).describe('Wei for a pixel at most.'),
        maxTicketGwei: z.number().positive().default(3_000).describe('Expected value of one ticket at most, gwei.'),
        maxFaceValue: z
          .number()
          .positive()
          .default(0.01)
          .describe('Face value of one ticket at most: what it costs if it wins, coins.'),
        maxPerDay: z
          .number()
          .positive()
          .default(0.001)
          .describe('Expected value of all tickets of a day of one key at most, coins.'),
        allowPrivate: z
          .boolean()
          .default(false)
          .describe('Also connects to addresses that are not public, as on a network of your own.'),
      })
      .prefault({}),
    key: keyFiles('that signs our statements, and sends what the contracts take from a member only').optional(),
    sender: keyFiles('that pays for what anybody may send: case submit, appeal, settle and expire').optional(),
    log: z
      .strictObject({
        level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('How much it says.').meta({ reload: true }),
        format: z
          .enum(['human', 'json'])
          .optional()
          .describe('Form of the lines.')
          .meta({ fallback: 'human on a terminal, json elsewhere' }),
        file: path()
          .optional()
          .describe('File that lines go to, opened anew on SIGHUP; its folder must be there.')
          .meta({ fallback: 'standard error, where systemd and Docker take and limit them' }),
        maxBytes: positive()
          .max(MAX_BYTES)
          .default(10_000_000)
          .describe('Bytes of that file; the line that would exceed them begins a new one, and the old one becomes FILE.1.'),
        keep: z.number().int().min(0).max(1000).default(5).describe('Old files that are kept beside it, FILE.1 the newest.'),
      })
      .prefault({}),
    limits: z
      .strictObject({
        maxFeeGwei: amount()
          .optional()
          .describe('Gwei per gas that no transaction exceeds, also after its fee was raised.')
          .meta({ preset: true, reload: true }),
        gasPerDay: amount().optional().describe('Native coins for gas in any 24 hours.').meta({ preset: true, reload: true }),
        bond: amount()
          .optional()
          .describe('Tokens locked as bonds of our open cases at one time.')
          .meta({ preset: true, reload: true }),
        slashesPerDay: z
          .number()
          .int()
          .min(0)
          .max(1e9)
          .optional()
          .describe('Proofs that take stake in any 24 hours.')
          .meta({ preset: true, reload: true }),
      })
      .prefault({}),
    beacon: z
      .strictObject({
        urls: z
          .array(url)
          .min(1, 'needs at least one relay')
          .max(20)
          .default(['https://api.drand.sh', 'https://api2.drand.sh', 'https://api3.drand.sh', 'https://drand.cloudflare.com'])
          .describe(
            'HTTP relays of drand, asked in turn on every network but local; each answer is checked, so none needs to be trusted.',
          )
          .meta({ secret: true }),
      })
      .prefault({}),
    budget: z
      .strictObject({
        secondsPerDay: z
          .number()
          .positive()
          .max(1e9)
          .optional()
          .describe(
            'Seconds that the judge is busy in a day of chain time; what goes beyond is left to others, the last fifth is for replays.',
          )
          .meta({ fallback: 'no limit', reload: true }),
        bytesPerDay: positive()
          .max(MAX_BYTES)
          .optional()
          .describe('Bytes of media asked for in such a day.')
          .meta({ fallback: 'no limit', reload: true }),
      })
      .prefault({}),
    ffmpegJobs: positive().max(64).default(1).describe('Checks at once; each is one ffmpeg process.'),
    gpuJobs: positive()
      .max(64)
      .default(1)
      .describe('Jobs on graphics cards at once; further ones are done in software, so that other work keeps the card.'),
    nice: z
      .number()
      .int()
      .min(0)
      .max(19)
      .default(10)
      .describe('Niceness of ffmpeg: 0 competes with everything else on this machine, 19 takes what is left.'),
    hardware: z
      .enum(['auto', 'off'])
      .default('auto')
      .describe('auto tries the graphics cards at start and uses what agrees with software, for everyday checks only.'),
    cacheBytes: positive()
      .max(MAX_BYTES)
      .default(2_000_000_000)
      .describe('Bytes of media kept for checks; evidence is kept apart.'),
    evidenceBytes: positive()
      .max(MAX_BYTES)
      .default(20_000_000_000)
      .describe('Bytes of evidence bundles; those of open cases stay in any case, beyond them the oldest go first.'),
    evidenceUrls: z
      .array(url)
      .max(200)
      .default([])
      .describe('HTTP addresses of other fishermen that evidence is asked from where no peer has it.'),
    maxWaiting: positive()
      .max(1e6)
      .default(1000)
      .describe('Samples waiting for a check; when it is full the newest least urgent one is dropped and counted.'),
  })
  .refine((config) => config.mode === 'observe' || config.key !== undefined, {
    message: 'is needed in every mode but observe (file and passwordFile); fisherman keys new makes one',
    path: ['key'],
  })

export type Config = z.output<typeof configSchema>
