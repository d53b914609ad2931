import { type Hex, VERDICT_VERSION } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'
import { brokenRules } from './rules.ts'

/** Wei of the token for a whole number of tokens. */
export function tokens(amount: number): bigint {
  return BigInt(amount) * 10n ** 18n
}

/** Everything that the constructors take. Times in seconds, amounts in wei of the token. */
export interface ChainPreset {
  name: string
  /** The one chain that it is for; undefined for any that is nobody's. */
  chainId: bigint | undefined
  /** Livepeer's own contracts where they exist; undefined means that we deploy small doubles. */
  existing: { token: Hex; rounds: Hex; serviceRegistry: Hex } | undefined
  /** Length of a round: for LocalRounds, and for the statute of window roots. */
  roundSec: number
  registry: { minBond: bigint; weightCap: bigint; activationSec: number; exitSec: number; silentSec: number; maxMembers: number }
  thawSec: number
  minCommitAgeSec: number
  maxCommitAgeSec: number
  answerSec: number
  caseSec: number
  appealSec: number
  timelockSec: number
  openBond: bigint
  appealBond: bigint
  dailyCap: bigint
  minimumTake: bigint
  /** Length of a sampling window; registration becomes active after two of them. */
  windowSec: number
  /** Version of the verdict's lines that cases may be opened about; later ones come into force by the governor. */
  verdictVersion: number
}

const DAY_SEC = 86_400

const LOCAL: ChainPreset = {
  name: 'local',
  chainId: undefined,
  existing: undefined,
  // Long enough that a slow demo stays inside one or two rounds, short enough that tests can cross the statute.
  roundSec: 60,
  registry: { minBond: tokens(250), weightCap: tokens(1000), activationSec: 8, exitSec: 20, silentSec: 7200, maxMembers: 256 },
  thawSec: 60,
  minCommitAgeSec: 2,
  maxCommitAgeSec: 3600,
  answerSec: 4,
  caseSec: 120,
  appealSec: 8,
  timelockSec: 10,
  openBond: tokens(25),
  appealBond: tokens(25),
  // No real money: a demo convicts several nodes within one minute.
  dailyCap: tokens(1_000_000),
  minimumTake: tokens(1),
  windowSec: 4,
  verdictVersion: VERDICT_VERSION,
}

const PUBLIC = {
  // 6,377 blocks of 12 s.
  roundSec: 76_524,
  registry: {
    minBond: tokens(250),
    weightCap: tokens(1000),
    activationSec: 120,
    exitSec: 21 * DAY_SEC,
    silentSec: 3 * DAY_SEC,
    maxMembers: 256,
  },
  // Statute (12.4 days), answer, appeal of the last case and a buffer.
  thawSec: 21 * DAY_SEC,
  minCommitAgeSec: 5,
  maxCommitAgeSec: 3600,
  answerSec: DAY_SEC,
  caseSec: 7 * DAY_SEC,
  appealSec: 14 * DAY_SEC,
  timelockSec: 7 * DAY_SEC,
  openBond: tokens(25),
  appealBond: tokens(25),
  // Times 14 rounds it stays below the bond of the smallest quorum (3 x 250): corrupting one must cost more than it can take.
  dailyCap: tokens(50),
  minimumTake: tokens(1),
  windowSec: 60,
  verdictVersion: VERDICT_VERSION,
}

const ARBITRUM_ONE: ChainPreset = {
  name: 'arbitrum-one',
  chainId: 42_161n,
  existing: {
    token: '0x289ba1701c2f088cf0faf8b3705246331cb8a839',
    rounds: '0xdd6f56dcc28d3f5f27084381fe8df634985cc39f',
    serviceRegistry: '0xc92d3a360b8f9e083ba64de15d95cf8180897431',
  },
  ...PUBLIC,
}

/** A public test network without Livepeer's contracts: our doubles, the real windows of time. */
const ARBITRUM_SEPOLIA: ChainPreset = { name: 'arbitrum-sepolia', chainId: 421_614n, existing: undefined, ...PUBLIC }

const PRESETS: readonly ChainPreset[] = [LOCAL, ARBITRUM_SEPOLIA, ARBITRUM_ONE]

/** The preset of this name. Throws `preset-unknown` with the names that exist. */
export function chainPreset(name: string): ChainPreset {
  const preset = PRESETS.find((candidate) => candidate.name === name)
  if (preset) return preset
  throw new FishermanError({
    code: 'preset-unknown',
    message: `no chain preset is called "${name}"; use one of ${PRESETS.map((candidate) => candidate.name).join(', ')}`,
    blame: 'ours',
  })
}

/** Refuses values that break what the design relies on, with all rules that they break. Throws `preset-invalid`. */
export function checkPreset(preset: ChainPreset): void {
  const broken = brokenRules(preset)
  if (broken.length === 0) return
  throw new FishermanError({
    code: 'preset-invalid',
    message: `these parameters of "${preset.name}" cannot be used: ${broken.map(({ says }) => says).join('; ')}`,
    blame: 'ours',
    details: { rules: broken.map(({ says }) => says) },
  })
}
