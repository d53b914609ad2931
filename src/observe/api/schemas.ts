import { z } from 'zod'
import { IDLE_CLASSES } from '../../idle/idle.ts'
import { ENTRY_KINDS } from '../../prooflog/entry.ts'

// What the API answers. The OpenAPI document is made from these same schemas.

const hash = z.string().regex(/^0x[0-9a-f]{64}$/)
const address = z.string().regex(/^0x[0-9a-f]{40}$/)
const outcome = z.enum(['pass', 'fail', 'inconclusive', 'withheld'])
const atMs = z.number().describe('Unix milliseconds')
const next = z.string().nullable().describe('Cursor of the next page; null on the last')

const cursorLike = (shape: RegExp) => z.string().regex(shape, 'must be the `next` of an earlier answer').optional()
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(25),
  cursor: cursorLike(/^\d{1,15}$/),
})
export const casesQuery = pageQuery.extend({ cursor: cursorLike(/^\d{1,15}-\d{1,15}$/) })
export const samplesQuery = pageQuery.extend({ outcome: outcome.optional(), orchestrator: address.optional() })
export const entriesQuery = pageQuery.extend({ kind: z.enum(ENTRY_KINDS).optional() })

export const addressParams = z.object({ address })
export const seqParams = z.object({ seq: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER) })
export const digestParams = z.object({ digest: hash })
export const faultParams = z.object({ faultId: hash })

export const summary = z
  .looseObject({
    address: z.string().nullable(),
    mode: z.string(),
    notReady: z.string().nullable().describe('Why /readyz says no; null where it says yes'),
    peers: z.number(),
    checked: z.number(),
    waiting: z.number(),
    bundles: z.number().int().describe('Bundles of evidence that are kept'),
    today: z.object({ checked: z.number(), found: z.number() }).describe('Since midnight UTC'),
    money: z
      .object({ takenWei: z.string(), gasUsed: z.string() })
      .describe('Taken from nodes by our transactions, and the gas of all of them'),
    log: z.object({ size: z.number(), root: hash }),
  })
  .describe('What this daemon did, found, took and spent')

export const orchestrator = z.object({
  ...{ address, receipts: z.number(), checked: z.number(), pass: z.number(), fail: z.number(), inconclusive: z.number() },
  withheld: z.number(),
  withheldAgreed: z
    .number()
    .describe('Of the withheld: what enough other members could not have either; only these speak against a node'),
  evidenceScore: z.number().describe('CUSUM of bad against good samples; 14 is the alarm'),
})
export const orchestrators = z.object({ items: z.array(orchestrator), next })

const share = z.number().min(0).max(1)
export const scoresQuery = z.object({ preset: z.string().max(100).optional() })
export const scores = z.object({
  region: z.string(),
  presets: z.array(z.string()),
  items: z.array(
    z.object({
      address,
      tier: z.enum(['convicted', 'failing', 'unknown', 'known']),
      because: z.string().nullable(),
      n: z.number().describe('Samples that count; below 30 there is no score'),
      successRate: share,
      low: share.describe('Low end of the 95 % interval of the success rate'),
      high: share,
      speed: share.nullable(),
      trips: z.number().describe('Round trips that the speed is made of'),
      quality: share.nullable(),
      capacity: share.nullable(),
      score: share.nullable().describe('null while unknown'),
    }),
  ),
})

export const sample = z.object({
  seq: z.number().describe('Number of its verdict in the log'),
  atMs,
  sampleId: z.string(),
  orchestrator: z.string(),
  streamId: z.string(),
  outcome,
  faultClass: z.string().nullable(),
})
export const samples = z.object({ items: z.array(sample), next })
export const measure = z.object({
  ...{ code: z.string(), class: z.string(), value: z.number(), sees: z.string() },
  clear: z.number().nullable().describe('At or below: nothing to say against it'),
  fraud: z.number().nullable().describe('Above: fraud; null where it alone never is'),
  frame: z.number().nullable(),
})
export const oneSample = sample.extend({
  evidenceHash: hash.nullable(),
  hasSheet: z.boolean(),
  isHidden: z.boolean().describe('Its stream is private: pictures of it are not shown here'),
  missing: z.string().nullable().describe('What was not to be had'),
  reasons: z.array(
    z.object({
      code: z.string(),
      value: z.number(),
      limit: z.number().nullable(),
      sees: z.string(),
      frame: z.number().nullable(),
    }),
  ),
  measures: z.array(measure),
  verdict: z.unknown(),
})
export const film = z.object({
  tile: z.object({ width: z.number(), height: z.number() }),
  columns: z
    .array(z.enum(['source', 'control', 'claimed']))
    .readonly()
    .describe('Rows of the picture, from the top'),
  frames: z
    .array(z.object({ frame: z.number(), atMs: z.number().nullable(), isMarked: z.boolean() }))
    .readonly()
    .describe('Tiles of each row, from the left; marked are those that the verdict names'),
})
export const oneOrchestrator = orchestrator.extend({ history: z.array(sample).describe('Newest verdicts, newest first') })

export const oneCase = z.object({
  faultId: hash,
  orchestrator: z.string(),
  faultClass: z.string(),
  state: z.string().describe('What the chain said last; before it says anything, our own word'),
  evidenceHash: z.string().nullable(),
  amountWei: z.string().nullable().describe('Taken from the orchestrator; null where nothing is known to be'),
  updatedMs: atMs,
  seq: z.number(),
})
export const cases = z.object({ items: z.array(oneCase), next })
export const caseStory = oneCase.extend({
  rebuttalHash: hash.nullable().describe('keccak256 of what the accused answered, as it stands on the chain'),
  rebuttal: z.string().nullable().describe('The words of the accused; null where it said nothing or does not serve them'),
  timeline: z.array(z.object({ seq: z.number(), atMs, kind: z.string(), what: z.string(), tx: z.string().nullable() })),
})

const wei = z.string().regex(/^\d+$/)
const idleDataset = z
  .object({
    round: z.string().describe('Last whole round of the dataset'),
    rounds: z.number().describe('Whole rounds that it covers'),
    fromBlock: z.string(),
    toBlock: z.string(),
    publisher: address.nullable().describe('Who signed it; null where nobody did'),
    problems: z.array(z.string()).describe('What differs when every number is derived again; empty where nothing does'),
    files: z.string().describe('Address of its files: `fisherman idle verify` takes it'),
    items: z.array(
      z.object({
        address,
        class: z.enum(IDLE_CLASSES as [string, ...string[]]),
        why: z.string(),
        mintedWei: wei.describe('LPT minted by its calls of reward(), its delegators share included'),
        ...{ rewardCalls: z.number(), rewardedRounds: z.number(), tickets: z.number(), relatedTickets: z.number() },
        redeemedWei: wei.describe('Face value of its winning tickets'),
        relatedWei: wei.describe('Of it from itself, or from who bonded to it in the span'),
        ...{ ownBondWei: wei, delegatedWei: wei },
        atRiskPpm: wei.nullable().describe('Delegated stake and minted LPT against its own bond, in parts per million'),
      }),
    ),
  })
  .nullable()
  .describe('Who earns without working; facts and their names, not accusations. null where no dataset was published')
export const idle = z.object({ dataset: idleDataset })

export const entry = z.object({ seq: z.number(), atMs, kind: z.string(), about: z.string().nullable() })
export const entries = z.object({ items: z.array(entry), next, head: z.object({ size: z.number(), root: hash }) })
export const provenEntry = z.object({
  seq: z.number(),
  text: z.string().describe('The entry as it was hashed: SHA-256 over a zero byte and this text is the leaf'),
  leaf: hash,
  size: z.number().describe('Of the log that the path leads to'),
  root: hash,
  path: z.array(hash).describe('Siblings from the leaf up, as in RFC 9162, 2.1.3'),
})
export const draws = z.looseObject({ receiptDigest: hash, windowId: z.string(), renditions: z.array(z.unknown()) })
export const peers = z.object({ peers: z.array(z.unknown()) })
export const network = z.looseObject({ peer: z.string() })
