import { afterAll, beforeAll, expect, it } from 'vitest'
import { addressOf } from '../../src/chain/setup.ts'
import { conviction, createWorld, equivocation, options, passThrough, receipt, signed, unique, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.stop())

it('goes all the way', async () => {
  const chain = await world.chain({ signer: world.fishermen[0]! })
  console.log(
    chain.head(),
    await chain.round(),
    (await chain.members()).length,
    await chain.deposit(addressOf(world.orchestrators[0]!)),
  )
  const fault = await equivocation(world, world.orchestrators[0]!)
  const tick = setInterval(() => void world.pass(1).catch(() => {}), 100)
  console.log(await chain.commitReveal({ faultClass: 'O1', ...fault }, options))
  console.log(await chain.commitReveal({ faultClass: 'O1', ...fault }, options))
  const three = await passThrough(world, world.orchestrators[1]!)
  console.log(await chain.commitReveal({ faultClass: 'O3', ...three }, options))
  const own = await signed(world.orchestrators[2]!, world.domain, receipt(world.orchestrators[2]!))
  const votes = await conviction(world, own)
  console.log(await chain.openCase({ faultClass: 'D2', ...own, evidenceHash: votes.vote.evidenceHash }, options))
  console.log(await chain.convict({ faultClass: 'D2', ...votes }, options))
  await world.pass(5)
  console.log(await chain.convict({ faultClass: 'D2', ...votes }, options))
  await world.pass(10)
  await new Promise((r) => setTimeout(r, 100))
  console.log(await chain.settle(votes.faultId, options))
  await new Promise((r) => setTimeout(r, 100))
  clearInterval(tick)
  console.log(chain.cases())
  await chain.close()
})
