import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { loadKeystore } from '../attest/keys.ts'
import { isFishermanError } from '../base/errors.ts'
import { PLACES } from '../config/paths.ts'
import type { Config } from '../config/schema.ts'
import { openProofLog } from '../prooflog/log.ts'
import type { InstallationCheckUp } from './installation.ts'
import type { Finding } from './types.ts'

/** A URL with one of these carries a secret. */
const SECRET = /\/\/[^/]*@|[?&](?:api)?(?:key|token)=|\/v[23]\/[0-9a-zA-Z_-]{16,}/i

/** The configuration was read already: what is left is whether it makes sense. */
export const settingsCheckUp: InstallationCheckUp = {
  name: 'configuration',
  look: async ({ config, file }) => {
    const name = 'configuration'
    const { mode, network, feeds, rpc } = config
    const says = `${file ?? 'flags and variables'}: mode ${mode} on ${network}, ${feeds.length} feeds`
    if (file !== undefined && (statSync(file).mode & 0o077) !== 0 && rpc.some((url) => SECRET.test(url))) {
      const told = `${says}; others on this machine can read the secret in its RPC URL`
      return [{ name, state: 'warning', says: told, mend: `chmod 600 ${file}` }]
    }
    if (feeds.length > 0) return [{ name, state: 'ok', says }]
    return [{ name, state: 'warning', says: `${says}: nothing is checked`, mend: 'add feeds: transcoder and url of each node' }]
  },
}

export const keysCheckUp: InstallationCheckUp = {
  name: 'key',
  look: async ({ config }) => {
    const { key, sender, probe } = config
    const findings: Finding[] = key || sender ? [] : [{ name: 'key', state: 'ok', says: `mode ${config.mode} needs none` }]
    if (key) findings.push(await opened('key', key))
    if (sender) findings.push(await opened('sender', sender))
    // A daemon that probes nobody opens none of them.
    if (probe.perDay > 0 || probe.burst > 0) for (const one of probe.keys) findings.push(await opened('probe key', one))
    return findings
  },
}

async function opened(name: string, place: NonNullable<Config['key']>): Promise<Finding> {
  try {
    const { address } = await loadKeystore(place.file, place.passwordFile)
    return { name, state: 'ok', says: `${place.file} opens: ${address}` }
  } catch (error) {
    if (!isFishermanError(error)) throw error
    const missing = error.code === 'keystore-missing'
    return { name, state: 'failed', says: error.message, ...(missing ? { mend: 'fisherman keys new' } : {}) }
  }
}

/** Every entry is hashed anew, unless a fisherman holds the log. */
export const logCheckUp: InstallationCheckUp = {
  name: 'log',
  look: async ({ config, clock, isRunning }) => {
    const name = 'log'
    if (isRunning)
      return [{ name, state: 'ok', says: 'the running fisherman holds it; stop it and ask again to have every entry looked at' }]
    const folder = join(config.dataDir, PLACES.log)
    // A look would make the folder.
    if (!existsSync(folder)) return [{ name, state: 'ok', says: 'none yet' }]
    try {
      const log = await openProofLog({ folder }, { clock })
      try {
        const verified = await log.verify()
        if (verified.ok) return [{ name, state: 'ok', says: `${verified.size} entries, each as it was written` }]
        return [{ name, state: 'failed', says: `entry ${verified.firstBad} ${verified.reason}`, mend: repairOf(folder) }]
      } finally {
        await log.close()
      }
    } catch (error) {
      if (!isFishermanError(error)) throw error
      if (error.code === 'log-empty') return [{ name, state: 'ok', says: 'none yet' }]
      const mend = error.code === 'log-damaged' ? { mend: repairOf(folder) } : {}
      return [{ name, state: 'failed', says: error.message, ...mend }]
    }
  },
}

const repairOf = (folder: string): string => `cp -a ${folder} ${folder}.damaged && fisherman log repair`
