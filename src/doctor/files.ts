import { existsSync, statSync } from 'node:fs'
import { messageOf } from '../base/errors.ts'
import { readWeights } from '../config/weights.ts'
import { readSecret, readToken } from '../observe/token.ts'
import type { InstallationCheckUp } from './installation.ts'
import type { Finding } from './types.ts'

/** One file that the configuration names, and how a start reads it. */
interface Named {
  key: string
  file: string | undefined
  read(file: string): unknown
  /** What makes a new one. */
  make(file: string): string
}

const newSecret = (file: string): string => `(umask 077; openssl rand -hex 24 > ${file})`

/** Files beside the configuration that a start reads first, each in the way that it does. */
export const filesCheckUp: InstallationCheckUp = {
  name: 'files',
  look: async ({ config: { http, scores } }) => {
    const weights = () => 'correct it, or take scores.weightsFile out of the configuration'
    const named: Named[] = [
      { key: 'http.tokenFile', file: http.tokenFile, read: readToken, make: newSecret },
      { key: 'scores.weightsFile', file: scores.weightsFile, read: readWeights, make: weights },
      {
        ...{ key: 'scores.postSecretFile', file: scores.postSecretFile, make: newSecret },
        read: (file) => readSecret(file, 'scores.postSecretFile'),
      },
    ]
    return named.flatMap(({ file, ...one }) => (file === undefined ? [] : [findingOf({ ...one, file })]))
  },
}

function findingOf({ key, file, read, make }: Named & { file: string }): Finding {
  const name = 'files'
  try {
    read(file)
    return { name, state: 'ok', says: `${key} ${file} can be read` }
  } catch (error) {
    const isOpen = existsSync(file) && (statSync(file).mode & 0o077) !== 0 && make === newSecret
    return { name, state: 'failed', says: messageOf(error), mend: isOpen ? `chmod 600 ${file}` : make(file) }
  }
}
