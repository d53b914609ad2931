import type { Interface } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import {
  delegationInterface,
  depositInterface,
  lower,
  registryInterface,
  roundsInterface,
  serviceRegistryInterface,
} from './contracts.ts'
import { problem, type Rpc, RpcRefusal } from './rpc.ts'
import type { AnchoredHead, Deployment, Member, SilentMember } from './types.ts'
import { bytes } from './wire.ts'

export interface Reads {
  round(): Promise<bigint>
  members(): Promise<Member[]>
  deposit(transcoder: Hex): Promise<{ amount: bigint; frozen: boolean }>
  isSigner(transcoder: Hex, signer: Hex, round: bigint): Promise<boolean>
  serviceUri(transcoder: Hex): Promise<string>
  anchoredHead(fisherman: Hex): Promise<AnchoredHead | undefined>
  /** By the rule of the registry's `markSilent`, at this second of chain time. */
  silentMembers(nowSec: number): Promise<SilentMember[]>
  /** Calls one view function; for start-up checks and tests. */
  call(to: Hex, contract: Interface, name: string, values: readonly unknown[]): Promise<readonly unknown[]>
  /** Forgets what a new head may have changed: all that hangs on time, and lists only when their contracts spoke. */
  newHead(changed: { registry: boolean; delegation: boolean }): void
}

/** View calls, at most one of a kind for each head. */
export function createReads(deployment: Deployment, deps: { rpc: Rpc }): Reads {
  const perHead = new Map<string, Promise<unknown>>()
  const delegates = new Map<string, Promise<boolean>>()
  let members: Promise<Member[]> | undefined
  let seen: Promise<(Member & { seenAtSec: number })[]> | undefined
  let silentSeconds: Promise<number> | undefined

  async function call(to: Hex, contract: Interface, name: string, values: readonly unknown[]): Promise<readonly unknown[]> {
    const data = contract.encodeFunctionData(name, values)
    let result: unknown
    try {
      result = await deps.rpc.send('eth_call', [{ to, data }, 'latest'])
    } catch (error) {
      if (error instanceof RpcRefusal) throw broken(to, name, error)
      throw error
    }
    try {
      return [...contract.decodeFunctionResult(name, bytes(result, 'call result'))]
    } catch (error) {
      throw broken(to, name, error)
    }
  }

  function once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const known = perHead.get(key)
    if (known) return known as Promise<T>
    const fresh = work().catch((error: unknown) => {
      perHead.delete(key)
      throw error
    })
    perHead.set(key, fresh)
    return fresh
  }

  function membersOf(): Promise<Member[]> {
    members ??= call(deployment.registry, registryInterface, 'members', [])
      .then(([list]) => (list as Record<string, unknown>[]).map(memberOf))
      .catch((error: unknown) => {
        members = undefined
        throw error
      })
    return members
  }

  /** Never changes. */
  function silentSecondsOf(): Promise<number> {
    silentSeconds ??= call(deployment.registry, registryInterface, 'silentSeconds', []).then(([value]) => Number(value))
    silentSeconds.catch(() => {
      silentSeconds = undefined
    })
    return silentSeconds
  }

  async function headOf(fisherman: Hex): Promise<Record<string, unknown>> {
    const [head] = await call(deployment.registry, registryInterface, 'headOf', [fisherman])
    return head as Record<string, unknown>
  }

  /** When each member was last seen: only the registry's events change it. */
  function seenOf(): Promise<(Member & { seenAtSec: number })[]> {
    seen ??= membersOf()
      .then((list) => Promise.all(list.map(async (one) => ({ ...one, seenAtSec: Number((await headOf(one.address)).seenAt) }))))
      .catch((error: unknown) => {
        seen = undefined
        throw error
      })
    return seen
  }

  return {
    call,
    round: () => once('round', async () => (await call(deployment.rounds, roundsInterface, 'currentRound', []))[0] as bigint),
    members: membersOf,
    async anchoredHead(fisherman) {
      const { root, epoch, size } = await headOf(fisherman)
      return epoch === 0n ? undefined : { root: root as Hex, epoch: epoch as bigint, size: size as bigint }
    },
    async silentMembers(nowSec) {
      const [longest, list] = await Promise.all([silentSecondsOf(), seenOf()])
      return list.flatMap(({ address, weight, exiting, activeFromSec, seenAtSec }) =>
        !exiting && activeFromSec <= nowSec && nowSec > seenAtSec + longest ? [{ address, weight, seenAtSec }] : [],
      )
    },
    deposit: (transcoder) =>
      once(`deposit:${transcoder}`, async () => {
        const [amount, , , freezes] = await call(deployment.deposit, depositInterface, 'accounts', [transcoder])
        return { amount: amount as bigint, frozen: (freezes as bigint) !== 0n }
      }),
    async isSigner(transcoder, signer, round) {
      if (transcoder === signer) return true
      const key = `${transcoder}:${signer}:${round}`
      const known = delegates.get(key)
      if (known) return known
      const fresh = call(deployment.delegation, delegationInterface, 'isSigner', [transcoder, signer, round]).then(
        ([yes]) => yes as boolean,
      )
      fresh.catch(() => delegates.delete(key))
      // Strangers may ask for any key: bounded by forgetting all.
      if (delegates.size > 10_000) delegates.clear()
      delegates.set(key, fresh)
      return fresh
    },
    serviceUri: (transcoder) =>
      once(
        `uri:${transcoder}`,
        async () =>
          (await call(deployment.serviceRegistry, serviceRegistryInterface, 'getServiceURI', [transcoder]))[0] as string,
      ),
    newHead(changed) {
      perHead.clear()
      if (changed.registry) [members, seen] = [undefined, undefined]
      if (changed.delegation) delegates.clear()
    },
  }
}

function memberOf(raw: Record<string, unknown>): Member {
  return {
    address: lower(raw.member as string),
    weight: raw.weight as bigint,
    blsPublicKey: (raw.blsPublicKey as string).toLowerCase() as Hex,
    proofOfPossession: (raw.proofOfPossession as string).toLowerCase() as Hex,
    activeFromSec: Number(raw.activeFrom),
    exiting: raw.exiting as boolean,
  }
}

function broken(to: Hex, name: string, cause: unknown): Error {
  return problem('chain-call', `${to} does not answer ${name}(); is the deployment file the one of this chain?`, cause)
}
