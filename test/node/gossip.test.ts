import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answer, MEMBERS, NODE, proof, STRANGER, sealed, sealedBody, sign, voteBody, windowBody } from '../gossip/world.ts'
import { createNet, kept, type Net, until } from './net.ts'

let net: Net
beforeEach(async () => {
  net = await createNet()
})
afterEach(async () => net.close())

describe('a network of real nodes', () => {
  it('brings every kind of statement to all, each once', async () => {
    const nodes = await net.mesh(4)
    const statements = [
      await sign(NODE, 'window', windowBody()),
      await sealed(MEMBERS[0]!),
      await answer(MEMBERS[1]!),
      await sign(MEMBERS[2]!, 'vote', voteBody()),
      await proof(MEMBERS[3]!),
    ]
    for (const [i, statement] of statements.entries()) {
      const { recipients } = await nodes[i % 4]!.publish(statement)
      expect(recipients).toBe(3)
    }
    await until(() => nodes.every(({ store }) => store.entries.length === 5))
    for (const node of nodes) expect(kept(node)).toEqual(kept(nodes[0]!))
    expect(nodes[1]!.delivered.every(({ from }) => from === 'gossip')).toBe(true)
  })
})
