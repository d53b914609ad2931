import { join } from 'node:path'
import { type KeyFiles, readKeyPlaces } from '../config/key-places.ts'
import {
  besideKey,
  exportKey,
  type KeyListed,
  type KeyRequest,
  listKeys,
  makeKey,
  readRawKey,
  takeKey,
} from '../operator/keys.ts'
import { columns } from './chain-view.ts'
import { complain, usage } from './complain.ts'
import type { KeysOptions } from './keys.options.ts'

/** Nobody types more than a key. */
const MAX_INPUT = 4096

/** `fisherman keys new`. */
export async function keysNewCommand(options: KeysOptions): Promise<number> {
  return await run('new', async () => tellMade(options, await makeKey(requestOf(options))))
}

/** `fisherman keys import`. */
export async function keysImportCommand(keystore: string | undefined, options: KeysOptions): Promise<number> {
  return await run('import', async () => {
    if (keystore !== undefined) return tellMade(options, await importKeystore(keystore, options))
    if (!options.unsafeRaw)
      throw usage(
        'say which keystore: fisherman keys import FILE --password-file FILE. A raw key lies open to whoever sees its file; when that is meant, add --unsafe-raw',
      )
    const raw = options.from === undefined ? await standardInput() : await readRawKey(options.from)
    return tellMade(options, await makeKey(requestOf(options), raw))
  })
}

async function importKeystore(file: string, options: KeysOptions) {
  // What was typed is not repeated: it may be a key.
  if (/^(0x)?[0-9a-fA-F]{64}$/.test(file))
    throw usage('a raw key is never an argument, where every user of this machine can read it; this one is known now')
  if (options.unsafeRaw || options.from !== undefined)
    throw usage('import takes a keystore, or a raw key with --unsafe-raw; not both')
  // Of the keystore that is read: the one that is written gets its own.
  const { passwordFile = besideKey(file), ...request } = requestOf(options)
  return await takeKey(request, { file, passwordFile })
}

/** `fisherman keys list`. */
export async function keysListCommand(options: KeysOptions): Promise<number> {
  return await run('list', async () => {
    const { folder, key, sender } = placesOf(options)
    const named = Object.fromEntries([...(sender ? [[sender.file, 'money']] : []), ...(key ? [[key.file, 'answers']] : [])])
    const keys = await listKeys(folder, named)
    if (options.json) console.log(JSON.stringify({ keys: keys.map(forJson) }))
    else if (keys.length === 0) console.log(`no key in ${folder}; make one: fisherman keys new`)
    else
      for (const line of columns([
        ['ADDRESS', 'PURPOSE', 'FILE'],
        ...keys.map(({ address, purpose, file, trouble }) => [address ?? `unusable: ${trouble}`, purpose ?? '-', file]),
      ]))
        console.log(line)
    return keys.some(({ trouble }) => trouble !== undefined) ? 1 : 0
  })
}

/** `fisherman keys export`. */
export async function keysExportCommand(to: string, options: KeysOptions): Promise<number> {
  return await run('export', async () => {
    const from = sourceOf(options)
    const address = await exportKey(from, to, options.unsafeRaw === true)
    const closed = `the keystore, still encrypted with the password in ${from.passwordFile},`
    const what = options.unsafeRaw ? 'the RAW key, open to whoever reads it,' : closed
    if (options.json) console.log(JSON.stringify({ address, file: to, raw: options.unsafeRaw === true }))
    else
      console.log(
        `${what} of ${address} is in ${to}; a key signs in one place: move guard and log with it (fisherman guard export)`,
      )
    return 0
  })
}

function placesOf({ config, folder }: KeysOptions): { folder: string; key?: KeyFiles; sender?: KeyFiles } {
  const places = readKeyPlaces(config)
  return { ...places, folder: folder ?? join(places.dataDir, 'keys') }
}

function requestOf(options: KeysOptions): KeyRequest {
  const { purpose = 'answers', file, passwordFile } = options
  return {
    ...{ purpose, folder: placesOf(options).folder },
    ...(file === undefined ? {} : { file }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
  }
}

/** What a flag names, else what the configuration names, else what lies in the folder. */
function sourceOf(options: KeysOptions): KeyFiles {
  const { folder, key, sender } = placesOf(options)
  const { purpose = 'answers' } = options
  const named = purpose === 'answers' ? key : sender
  const usual = join(folder, `${purpose}.json`)
  const file = options.file ?? (options.folder === undefined ? named?.file : undefined) ?? usual
  const beside = named?.file === file ? named.passwordFile : besideKey(file)
  return { file, passwordFile: options.passwordFile ?? beside }
}

function tellMade(options: KeysOptions, made: Awaited<ReturnType<typeof makeKey>>): number {
  if (options.json) {
    console.log(JSON.stringify(made))
    return 0
  }
  const name = options.purpose === 'money' ? 'sender' : 'key'
  console.log(`${made.address}`)
  const password = `${made.passwordFile} (${made.madePassword ? 'new' : 'from before'}; keep a copy of both elsewhere)`
  console.log(`keystore ${made.file}, password ${password}`)
  console.log('in the configuration:')
  console.log(`${name}: { file: ${JSON.stringify(made.file)}, passwordFile: ${JSON.stringify(made.passwordFile)} }`)
  return 0
}

async function standardInput(): Promise<string> {
  if (process.stdin.isTTY) throw usage('a raw key is not typed at a terminal, which shows it; give --from FILE or a pipe')
  let text = ''
  for await (const part of process.stdin) {
    text += String(part)
    if (text.length > MAX_INPUT) throw usage('standard input is longer than any key')
  }
  return text
}

function forJson({ address, purpose, file, trouble }: KeyListed) {
  return { address: address ?? null, purpose: purpose ?? null, file, trouble: trouble ?? null }
}

async function run(name: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    complain(`keys ${name}`, error)
    return 2
  }
}
