import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { openGuard } from '../attest/guard.ts'
import { loadKeystore } from '../attest/keys.ts'
import { repeat, systemClock } from '../base/clock.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { hostPortOf } from '../base/host-port.ts'
import type { Logger } from '../base/log.ts'
import { createChain } from '../chain/chain.ts'
import { loadDeployment } from '../chain/deployment.ts'
import { chainPreset } from '../chain/presets.ts'
import { programPath } from '../config/paths.ts'
import { followChain } from '../feed/ledger.ts'
import { createJudge } from '../judge.ts'
import { type SidecarDeps, startSidecar } from './sidecar.ts'

export interface SidecarRequest {
  upstream: string
  publicUrl: string
  listen: string
  tls?: { keyFile: string; certFile: string }
  transcoder?: string
  dataDir: string
  network: string
  rpcUrls: readonly string[]
  deploymentFile: string
  key: { file: string; passwordFile: string }
  mediaBytes: number
  windows: number
  isPrivate?: boolean
  /** Commit to fingerprints of the sources. */
  fingerprints?: boolean
}

/** Built beside the program. */
const THREAD_FILE = new URL('./sidecar-thread.js', import.meta.url)
const TELL_EVERY_MS = 60_000
/** Milliseconds for the fingerprints of one source, and niceness of the decoder: the node beside us comes first. */
const PRINT_MS = 10_000
const PRINT_NICE = 10

/** `fisherman sidecar`: runs until the signal fires. */
export async function runSidecar(request: SidecarRequest, log: Logger, signal: AbortSignal): Promise<void> {
  const [upstream, publicUrl] = [originOf('--upstream', request.upstream), originOf('--public-url', request.publicUrl)]
  const place = hostPortOf('--listen', request.listen)
  const { windowSec } = chainPreset(request.network)
  const tls = request.tls && {
    key: await textOf('--tls-key', request.tls.keyFile),
    cert: await textOf('--tls-cert', request.tls.certFile),
  }
  await mkdir(request.dataDir, { recursive: true, mode: 0o700 })
  const signer = await loadKeystore(request.key.file, request.key.passwordFile)
  const transcoder = (request.transcoder?.toLowerCase() ?? signer.address) as Hex
  if (!/^0x[0-9a-f]{40}$/.test(transcoder)) throw bad('--transcoder must be an address: 0x and 40 hex digits')
  const deployment = loadDeployment(request.deploymentFile)
  const owner = `${deployment.chainId}:${deployment.anchor}:${signer.address}`
  const guard = await openGuard(join(request.dataDir, 'guard'), owner)
  const stopped = guard.stopped()
  if (stopped !== undefined) {
    await guard.close()
    throw bad(
      `${signer.address} signs nothing here any more (${stopped}); bring what it said since back with \`fisherman guard import\`, or use another key`,
    )
  }
  const chain = await createChain({ rpcUrls: request.rpcUrls, deployment, signal }, { clock: systemClock, log })
  try {
    if (!(await chain.isSigner(transcoder, signer.address, await chain.round())))
      throw bad(`${signer.address} may not sign for ${transcoder} in this round; delegate to it, or use the node's own key`)
    const ledger = await followChain(chain, { windowSeconds: windowSec }, { log })
    const listen = { ...place, ...(tls ? { tls } : {}) }
    const { dataDir, mediaBytes, windows, isPrivate = false } = request
    const sidecar = await startSidecar(
      { upstream, publicUrl, listen, dataDir, transcoder, mediaBytes, windows, isPrivate, threadFile: THREAD_FILE },
      { ledger, signer, guard, log, ...(request.fingerprints ? await printer(dataDir) : {}) },
    )
    log.info('Sidecar is running', { url: sidecar.url, upstream: upstream.origin, transcoder, signer: signer.address })
    const telling = repeat(TELL_EVERY_MS, async () => log.info('Sidecar so far', sidecar.counters()), {
      signal,
      onError: () => undefined,
    })
    await telling
    await sidecar.stop()
  } finally {
    await chain.close()
    await guard.close()
  }
}

/** Fails at once where there is no ffmpeg, rather than at each segment. */
async function printer(dataDir: string): Promise<Pick<SidecarDeps, 'prints'>> {
  const scratchDir = join(dataDir, 'scratch')
  // What a run that was killed had decoded.
  await rm(scratchDir, { recursive: true, force: true })
  const judge = createJudge({
    ...{ scratchDir, searchPath: programPath(), maxJobs: 1, nice: PRINT_NICE },
    limits: { wallMs: PRINT_MS },
  })
  await judge.decoder()
  return { prints: judge.prints }
}

function originOf(name: string, text: string): URL {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) throw bad(`${name} '${text}': must be an http or https URL`)
  return new URL(text)
}

async function textOf(name: string, file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((cause: unknown) => {
    throw bad(`${name}: cannot read ${file} (${messageOf(cause)})`)
  })
}

function bad(message: string): FishermanError {
  return new FishermanError({ code: 'bad-usage', message, blame: 'ours' })
}
