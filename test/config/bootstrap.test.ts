import { describe, expect, it } from 'vitest'
import { BOOTSTRAP, peersToFollow, withBootstrap } from '../../src/config/bootstrap.ts'
import { type Config, configSchema } from '../../src/config/schema.ts'

const ANN = '/dns4/ann.example/tcp/7935/p2p/12D3KooWMjj8BdGEbSG6WdHKzbdv4bG5UT3x6DfaBdGEbSG6WdHK'
const BOB = '/ip4/192.0.2.1/tcp/7935'

function config(gossip: Partial<Config['gossip']>): Config {
  const rest = { network: 'arbitrum-one', dataDir: 'data', rpc: ['http://127.0.0.1:1'], deployment: 'x' } as const
  return configSchema.parse({ ...rest, gossip })
}

describe('the fishermen that are known of a network', () => {
  it('are dialled after those that the operator names, each once, and not where it says so', () => {
    expect(withBootstrap(config({ bootstrap: [BOB] }), [ANN, BOB]).gossip.bootstrap).toEqual([BOB, ANN])
    expect(withBootstrap(config({}), [ANN]).gossip.bootstrap).toEqual([ANN])
    expect(withBootstrap(config({ bootstrap: [BOB], networkBootstrap: false }), [ANN]).gossip.bootstrap).toEqual([BOB])
  })

  it('are whom a watcher follows where it names nobody', () => {
    const lists = { 'arbitrum-one': [ANN] }
    expect(peersToFollow(undefined, 'arbitrum-one', lists)).toEqual([ANN])
    expect(peersToFollow([BOB], 'arbitrum-one', lists)).toEqual([BOB])
    for (const network of ['arbitrum-sepolia', undefined])
      expect(() => peersToFollow(undefined, network, lists)).toThrow(/name one with --peer.*daemon\.json/)
  })

  it('are addresses with a peer id, so that nobody else can answer for them', () => {
    for (const address of Object.values(BOOTSTRAP).flat())
      expect(address).toMatch(/^\/(ip4|ip6|dns4|dns6)\/[^/]+\/tcp\/\d+\/p2p\/[1-9A-HJ-NP-Za-km-z]{46,60}$/)
  })
})
