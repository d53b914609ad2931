import type { Hex } from '../../proofs/types.ts'
import { problem } from './rpc.ts'

// What RPC nodes answer, checked at the door.

export interface Header {
  number: bigint
  hash: Hex
  parentHash: Hex
  timestampSec: number
  baseFeePerGas: bigint
}

export interface Log {
  address: Hex
  topics: Hex[]
  data: Hex
  blockNumber: bigint
  blockHash: Hex
  logIndex: number
  tx: Hex
}

export interface Receipt {
  tx: Hex
  ok: boolean
  gasUsed: bigint
  /** Wei per gas that was really paid; 0 where the node does not say. */
  gasPrice: bigint
  blockNumber: bigint
  blockHash: Hex
  logs: Log[]
}

export function toQuantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`
}

/** A block's header; undefined for null (no such block). */
export function parseHeader(value: unknown): Header | undefined {
  if (value === null) return undefined
  const block = object(value, 'block')
  return {
    number: quantity(block.number, 'block number'),
    hash: hash(block.hash, 'block hash'),
    parentHash: hash(block.parentHash, 'parent hash'),
    timestampSec: Number(quantity(block.timestamp, 'block timestamp')),
    baseFeePerGas: block.baseFeePerGas === undefined ? 0n : quantity(block.baseFeePerGas, 'base fee'),
  }
}

/** Logs of one answer, in the order of the chain. */
export function parseLogs(value: unknown): Log[] {
  if (!Array.isArray(value)) throw garbage('logs')
  return value.map(parseLog).sort((a, b) => Number(a.blockNumber - b.blockNumber) || a.logIndex - b.logIndex)
}

function parseLog(value: unknown): Log {
  const log = object(value, 'log')
  if (!Array.isArray(log.topics)) throw garbage('log topics')
  return {
    address: hex(log.address, 20, 'log address'),
    topics: log.topics.map((topic) => hash(topic, 'log topic')),
    data: bytes(log.data, 'log data'),
    blockNumber: quantity(log.blockNumber, 'log block'),
    blockHash: hash(log.blockHash, 'log block hash'),
    logIndex: Number(quantity(log.logIndex, 'log index')),
    tx: hash(log.transactionHash, 'log transaction'),
  }
}

/** A transaction's receipt; undefined for null (not mined). */
export function parseReceipt(value: unknown): Receipt | undefined {
  if (value === null) return undefined
  const receipt = object(value, 'receipt')
  return {
    tx: hash(receipt.transactionHash, 'receipt hash'),
    ok: quantity(receipt.status, 'receipt status') === 1n,
    gasUsed: quantity(receipt.gasUsed, 'gas used'),
    gasPrice: receipt.effectiveGasPrice === undefined ? 0n : quantity(receipt.effectiveGasPrice, 'gas price'),
    blockNumber: quantity(receipt.blockNumber, 'receipt block'),
    blockHash: hash(receipt.blockHash, 'receipt block hash'),
    logs: parseLogs(receipt.logs),
  }
}

export function quantity(value: unknown, what: string): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(value)) throw garbage(what)
  return BigInt(value)
}

export function bytes(value: unknown, what: string): Hex {
  if (typeof value !== 'string' || !/^0x([0-9a-fA-F]{2})*$/.test(value)) throw garbage(what)
  return value.toLowerCase() as Hex
}

function hash(value: unknown, what: string): Hex {
  return hex(value, 32, what)
}

function hex(value: unknown, length: number, what: string): Hex {
  const text = bytes(value, what)
  if (text.length !== 2 + 2 * length) throw garbage(what)
  return text
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw garbage(what)
  return value as Record<string, unknown>
}

function garbage(what: string): Error {
  return problem('rpc-garbage', `the RPC node answered with a malformed ${what}; use another RPC URL`)
}
