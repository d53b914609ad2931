import { accessSync, constants, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Backend } from './table.ts'
import type { Ability } from './types.ts'

/** What the machine shows of its devices; injected, so that a test can have cards that it does not have. */
export interface Machine {
  platform: string
  /** All files that match one of the patterns, sorted. */
  nodes(patterns: readonly string[]): string[]
  /** Whether we may read and write a device file. */
  mayUse(node: string): boolean
  /** Anything that changes with the driver; empty where there is nothing. */
  driver(): string
}

function matching(pattern: string): string[] {
  const folder = dirname(pattern)
  const name = new RegExp(
    `^${pattern
      .slice(folder.length + 1)
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')}$`,
  )
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => !entry.isDirectory() && name.test(entry.name)).map((entry) => join(folder, entry.name))
  } catch {
    return []
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').split('\n')[0] ?? ''
  } catch {
    return ''
  }
}

export const thisMachine: Machine = {
  platform: process.platform,
  nodes: (patterns) => [...new Set(patterns.flatMap(matching))].sort(),
  mayUse: (node) => {
    try {
      accessSync(node, constants.R_OK | constants.W_OK)
      return true
    } catch {
      return false
    }
  },
  driver: () => `${textOf('/proc/sys/kernel/osrelease')} ${textOf('/proc/driver/nvidia/version')}`.trim(),
}

/** Why a backend cannot work on this machine; undefined where a trial must tell. */
export function missingDevice(backend: Backend, machine: Machine): Ability | undefined {
  if (backend.system !== undefined && backend.system !== machine.platform) return { state: 'absent', why: 'only macOS has it' }
  // Other systems reach their devices without files.
  if (machine.platform !== 'linux' || backend.devices.length === 0) return undefined
  const nodes = machine.nodes(backend.devices)
  if (nodes.length === 0) return { state: 'absent', why: `no such device here (${backend.devices.join(', ')})` }
  if (nodes.some((node) => machine.mayUse(node))) return undefined
  return { state: 'unavailable', why: `no permission to use ${nodes[0]}` }
}

/** Devices to try, one after the other; `undefined` leaves the choice to the driver. */
export function candidates(backend: Backend, machine: Machine): (string | undefined)[] {
  if (!backend.perNode || machine.platform !== 'linux') return [undefined]
  return machine.nodes(backend.devices).filter((node) => machine.mayUse(node))
}
