import { createLogger } from '../observe/logger.ts'
import { runSidecar } from '../sidecar/run.ts'
import { complain, usage } from './complain.ts'
import type { SidecarOptions } from './sidecar.options.ts'
import { untilSignal } from './until-signal.ts'

const GIB = 1024 ** 3

/** `fisherman sidecar`: 0 when it was stopped, 2 when it could not start. */
export async function sidecarCommand(options: SidecarOptions): Promise<number> {
  const signal = untilSignal()
  try {
    const { tlsKey, tlsCert, rpc, deployment, key, passwordFile, quota, windows } = options
    if ((tlsKey === undefined) !== (tlsCert === undefined)) throw usage('--tls-key and --tls-cert go together')
    if (!(Number(quota) > 0)) throw usage(`--quota '${quota}': must be GiB, more than 0`)
    if (!/^[1-9]\d{0,6}$/.test(windows)) throw usage(`--windows '${windows}': must be a number from 1 to 9999999`)
    if (options.private && options.fingerprints)
      throw usage('--fingerprints publishes what frames look like, coarsely: not with --private')
    const log = createLogger({ level: 'info', format: process.stderr.isTTY ? 'human' : 'json' })
    await runSidecar(
      {
        ...options,
        ...{ rpcUrls: rpc, deploymentFile: deployment, key: { file: key, passwordFile } },
        ...(tlsKey !== undefined && tlsCert !== undefined ? { tls: { keyFile: tlsKey, certFile: tlsCert } } : {}),
        ...{ mediaBytes: Number(quota) * GIB, windows: Number(windows), isPrivate: options.private ?? false },
      },
      log,
      signal,
    )
    return 0
  } catch (error) {
    if (signal.aborted) return 0
    complain('sidecar', error)
    return 2
  }
}
