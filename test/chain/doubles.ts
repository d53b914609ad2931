import { keccak256, toUtf8Bytes } from 'ethers'
import { expect, vi } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import type { Deployment } from '../../src/chain/types.ts'
import { artifacts, interfaceOf, type World } from './world.ts'

/** Livepeer's address book and one contract that is all others, on a real chain. */
export interface LivepeerDoubles {
  deployment: Deployment
  call(name: string, values?: unknown[]): Promise<void>
}

/** Address of a node. */
export const node = (i: number): Hex => `0x${(0x1000 + i).toString(16).padStart(40, '0')}`

/** Sends from the deployer's unlocked account, since doubles need no signatures; without `to` it deploys, and the result is where. */
export async function unlockedSender(world: World): Promise<(to: Hex | undefined, data: string) => Promise<Hex>> {
  const from = world.wallets[0]!.address
  await world.provider.send('anvil_impersonateAccount', [from])
  return async (to, data) => {
    const hash = await world.provider.send('eth_sendTransaction', [{ from, data, gas: '0x1c9c380', ...(to ? { to } : {}) }])
    const receipt = await vi.waitFor(
      async () => {
        const mined = await world.provider.send('eth_getTransactionReceipt', [hash])
        expect(mined).not.toBeNull()
        return mined
      },
      { timeout: 5_000, interval: 5 },
    )
    if (receipt.status !== '0x1') throw new Error('reverted')
    return receipt.contractAddress?.toLowerCase()
  }
}

export async function createLivepeerDoubles(world: World): Promise<LivepeerDoubles> {
  const send = await unlockedSender(world)
  const book = await send(undefined, artifacts.contracts.DoubleAddressBook!.bytecode)
  const pool = await send(undefined, artifacts.contracts.DoublePool!.bytecode)
  for (const name of ['BondingManager', 'RoundsManager', 'TicketBroker', 'ServiceRegistry']) {
    const values = [keccak256(toUtf8Bytes(name)), pool, `0x${'00'.repeat(20)}`]
    await send(book, interfaceOf('DoubleAddressBook').encodeFunctionData('setContractInfo', values))
  }
  return {
    deployment: { ...world.deployment, controller: book },
    async call(name, values = []) {
      await send(pool, interfaceOf('DoublePool').encodeFunctionData(name, values))
    },
  }
}
