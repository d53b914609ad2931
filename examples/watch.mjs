// Prints every new fraud proof as it comes; started again, it goes on where it was.
// node watch.mjs /ip4/192.0.2.1/tcp/7935 42161 0x…anchor
import { watch } from 'fisherman'

const [peer, chainId, anchor] = process.argv.slice(2)
const signal = AbortSignal.timeout(60 * 60 * 1000)
for await (const proof of watch({ peers: [peer], chainId, anchor, stateFile: './watch.ndjson', signal })) {
  console.log(proof.faultClass, proof.transcoder, proof.verified, proof.reason)
}
