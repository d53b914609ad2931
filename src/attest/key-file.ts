import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { FishermanError, messageOf } from '../base/errors.ts'

/** A keystore has half a kilobyte, a password less. */
const MAX_KEY_FILE_BYTES = 64 * 1024

/** Reads a file that only its owner may read. Errors name the file, never what is in it. */
export async function readPrivateFile(file: string, missing: { code: string; message: string }): Promise<string> {
  // Without waiting: a pipe that nobody writes to must not hold us.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw keyError(missing.code, missing.message, cause)
  })
  try {
    const info = await handle.stat()
    if (!info.isFile()) throw keyError('key-file', `${file} is no ordinary file`)
    // Keys that others on the machine can read are no keys.
    if (process.platform !== 'win32' && (info.mode & 0o077) !== 0)
      throw keyError('key-file-open', `${file} can be read by others; type: chmod 600 ${file}`)
    if (info.size > MAX_KEY_FILE_BYTES)
      throw keyError(
        'key-file',
        `${file} has ${info.size} bytes; neither a keystore nor a password has more than ${MAX_KEY_FILE_BYTES}`,
      )
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

/** Writes a file that only its owner may read, and never over another one. */
export async function writePrivateFile(file: string, text: string, what: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'EEXIST' ? 'it exists already' : messageOf(cause)
    throw keyError('keystore-write', `cannot write ${what} ${file} (${reason}); it must not exist yet and its folder must`, cause)
  }
}

export function keyError(code: string, message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code, message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}
