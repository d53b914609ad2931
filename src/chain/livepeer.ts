import { Interface, keccak256, toUtf8Bytes, ZeroAddress } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { lower } from './contracts.ts'
import type { Multicall } from './multicall.ts'
import { problem } from './rpc.ts'
import type { Deployment } from './types.ts'

// Livepeer's contracts as they are deployed on Arbitrum One: the parts that this program reads.

export const controllerInterface = new Interface([
  'function getContract(bytes32 id) view returns (address)',
  'event SetContractInfo(bytes32 id, address contractAddress, bytes20 gitCommitHash)',
])

export const bondingInterface = new Interface([
  'function getTranscoderPoolMaxSize() view returns (uint256)',
  'function getTranscoderPoolSize() view returns (uint256)',
  'function getFirstTranscoderInPool() view returns (address)',
  'function getNextTranscoderInPool(address transcoder) view returns (address)',
  'function isActiveTranscoder(address transcoder) view returns (bool)',
  'function transcoderTotalStake(address transcoder) view returns (uint256)',
  'function pendingStake(address delegator, uint256 endRound) view returns (uint256)',
  'function getTranscoder(address transcoder) view returns (uint256 lastRewardRound, uint256 rewardCut, uint256 feeShare, uint256 lastActiveStakeUpdateRound, uint256 activationRound, uint256 deactivationRound, uint256 activeCumulativeRewards, uint256 cumulativeRewards, uint256 cumulativeFees, uint256 lastFeeRound)',
  'function getDelegator(address delegator) view returns (uint256 bondedAmount, uint256 fees, address delegateAddress, uint256 delegatedAmount, uint256 startRound, uint256 lastClaimRound, uint256 nextUnbondingLockId)',
  'event Reward(address indexed transcoder, uint256 amount)',
  'event Bond(address indexed newDelegate, address indexed oldDelegate, address indexed delegator, uint256 additionalAmount, uint256 bondedAmount)',
  'event TranscoderUpdate(address indexed transcoder, uint256 rewardCut, uint256 feeShare)',
  'event TranscoderActivated(address indexed transcoder, uint256 activationRound)',
  'event TranscoderDeactivated(address indexed transcoder, uint256 deactivationRound)',
  'event Unbond(address indexed delegate, address indexed delegator, uint256 unbondingLockId, uint256 amount, uint256 withdrawRound)',
  'event TransferBond(address indexed oldDelegator, address indexed newDelegator, uint256 oldUnbondingLockId, uint256 newUnbondingLockId, uint256 amount)',
])

export const livepeerRoundsInterface = new Interface([
  'function currentRound() view returns (uint256)',
  'function blockNum() view returns (uint256)',
  'event NewRound(uint256 indexed round, bytes32 blockHash)',
])

export const brokerInterface = new Interface([
  'function getSenderInfo(address sender) view returns (tuple(uint256 deposit, uint256 withdrawRound) sender, tuple(uint256 fundsRemaining, uint256 claimedInCurrentRound) reserve)',
  'function claimedReserve(address reserveHolder, address claimant) view returns (uint256)',
  'event WinningTicketRedeemed(address indexed sender, address indexed recipient, uint256 faceValue, uint256 winProb, uint256 senderNonce, uint256 recipientRand, bytes auxData)',
])

export const serviceInterface = new Interface([
  'function getServiceURI(address addr) view returns (string)',
  'event ServiceURIUpdate(address indexed addr, string serviceURI)',
])

/** First topic of an event. */
export function topicOf(contract: Interface, event: string): Hex {
  const found = contract.getEvent(event)
  if (!found) throw problem('chain-internal', `no event is called ${event}`)
  return found.topicHash as Hex
}

/** Livepeer's address book, by chain. */
const CONTROLLERS: Readonly<Record<string, Hex>> = { '42161': '0xd8e8328501e9645d16cf49539efc04f734606ee4' }

/** The Controller of a network; undefined where Livepeer is not. */
export function controllerOf(deployment: Deployment): Hex | undefined {
  return deployment.controller ?? CONTROLLERS[deployment.chainId.toString()]
}

export interface LivepeerAddresses {
  bondingManager: Hex
  roundsManager: Hex
  ticketBroker: Hex
  serviceRegistry: Hex
  /** Who may slash; undefined while nobody is registered. */
  verifier?: Hex
}

const NAMES = ['BondingManager', 'RoundsManager', 'TicketBroker', 'ServiceRegistry', 'Verifier'] as const

/** Asks the Controller where the others lie: they are proxies, but governance may move any of them. */
export async function resolveLivepeer(controller: Hex, multicall: Multicall, signal: AbortSignal): Promise<LivepeerAddresses> {
  const views = NAMES.map((name) => ({
    to: controller,
    contract: controllerInterface,
    name: 'getContract',
    values: [keccak256(toUtf8Bytes(name))],
  }))
  const results = await multicall.read(views, { signal })
  const address = (name: (typeof NAMES)[number]): Hex | undefined => {
    const value = results[NAMES.indexOf(name)]?.[0]
    return typeof value === 'string' && value !== ZeroAddress ? lower(value) : undefined
  }
  const needed = (name: (typeof NAMES)[number]): Hex => {
    const found = address(name)
    if (found) return found
    throw problem(
      'chain-no-contract',
      `Livepeer's Controller at ${controller} names no ${name}; check "controller" in the deployment file and the network`,
    )
  }
  const verifier = address('Verifier')
  return {
    bondingManager: needed('BondingManager'),
    roundsManager: needed('RoundsManager'),
    ticketBroker: needed('TicketBroker'),
    serviceRegistry: needed('ServiceRegistry'),
    ...(verifier ? { verifier } : {}),
  }
}
