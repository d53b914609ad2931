import { Interface } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { problem, type Rpc, RpcRefusal } from './rpc.ts'
import { bytes } from './wire.ts'

/** One view call. */
export interface View {
  to: Hex
  contract: Interface
  name: string
  values: readonly unknown[]
}

/** What a view call returned; undefined where the contract refused it or is not there. */
export type ViewResult = readonly unknown[] | undefined

export interface Multicall {
  /** All answers of one block (`latest` where none is given), in the order of the calls. */
  read(views: readonly View[], options: { signal: AbortSignal; block?: Hex }): Promise<ViewResult[]>
}

/** Where Multicall3 lies on every public chain, Arbitrum among them. */
export const MULTICALL3: Hex = '0xca11bde05977b3631167028862be2a173976ca11'
/** Calls of one `eth_call`: public nodes give it 50 million gas and a few seconds, and one view costs well below 100,000. */
const CHUNK = 200

const multicallInterface = new Interface([
  'function aggregate3((address target, bool allowFailure, bytes callData)[] calls) payable returns ((bool success, bytes returnData)[])',
])

/** Many reads in few requests: through Multicall3 where the chain has it, else one by one in JSON-RPC batches. */
export function createMulticall(deps: { rpc: Rpc }): Multicall {
  const { rpc } = deps
  let present: Promise<boolean> | undefined

  async function hasContract(signal: AbortSignal): Promise<boolean> {
    present ??= rpc
      .send('eth_getCode', [MULTICALL3, 'latest'], { signal })
      .then((code) => bytes(code, 'contract code') !== '0x')
      .catch((error: unknown) => {
        present = undefined
        throw error
      })
    return await present
  }

  async function together(views: readonly View[], block: string, signal: AbortSignal): Promise<ViewResult[]> {
    const calls = views.map((view) => ({ target: view.to, allowFailure: true, callData: encode(view) }))
    const data = multicallInterface.encodeFunctionData('aggregate3', [calls])
    const answer = bytes(await rpc.send('eth_call', [{ to: MULTICALL3, data }, block], { signal }), 'call result')
    let list: { success: boolean; returnData: Hex }[]
    try {
      list = multicallInterface.decodeFunctionResult('aggregate3', answer)[0] as typeof list
    } catch (cause) {
      throw problem('rpc-garbage', 'the RPC node answered a multicall with something else; use another RPC URL', cause)
    }
    if (list.length !== views.length)
      throw problem('rpc-garbage', 'the RPC node answered a multicall with other calls; use another RPC URL')
    return views.map((view, i) => (list[i]?.success ? decode(view, list[i].returnData) : undefined))
  }

  async function alone(view: View, block: string, signal: AbortSignal): Promise<ViewResult> {
    try {
      const answer = await rpc.send('eth_call', [{ to: view.to, data: encode(view) }, block], { signal })
      return decode(view, bytes(answer, 'call result'))
    } catch (error) {
      if (error instanceof RpcRefusal) return undefined
      throw error
    }
  }

  return {
    async read(views, { signal, block = 'latest' }) {
      if (views.length > 1 && (await hasContract(signal))) {
        const parts = Array.from({ length: Math.ceil(views.length / CHUNK) }, (_, i) => views.slice(i * CHUNK, (i + 1) * CHUNK))
        try {
          return (await Promise.all(parts.map((part) => together(part, block, signal)))).flat()
        } catch (error) {
          // A node with a small limit of gas refuses the whole; it may still answer each.
          if (!(error instanceof RpcRefusal)) throw error
        }
      }
      return await Promise.all(views.map((view) => alone(view, block, signal)))
    },
  }
}

function encode(view: View): Hex {
  return view.contract.encodeFunctionData(view.name, view.values) as Hex
}

/** No code at an address answers with nothing: the same as a refusal. */
function decode(view: View, data: Hex): ViewResult {
  try {
    return [...view.contract.decodeFunctionResult(view.name, data)]
  } catch {
    return undefined
  }
}
