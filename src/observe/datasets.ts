import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FishermanError, messageOf } from '../base/errors.ts'
import type { HttpApp, HttpReply, HttpRequest } from '../base/http.ts'
import { type Checked, checkDataset, DATASET_FILE, type Found } from '../idle/dataset.ts'
import type { Guard } from './api/guard.ts'
import { sendProblem } from './api/problem.ts'
import type { FileDesk } from './files.ts'

/** A dataset of who earns without working, in a folder named after its round. */
export interface PublishedDataset extends Checked {
  /** Last whole round that it covers. */
  round: string
}

export interface Datasets {
  /** The newest whole one, with every number derived again from its events; undefined where none was published. */
  newest(): Promise<PublishedDataset | undefined>
}

/** Last in being written: a folder without it is not whole. */
const MANIFEST = 'manifest.json'
const FOLDER = /^round-(0|[1-9]\d{0,14})$/
/** Of one file: 90 rounds of 100 nodes have 3 MB of events. */
const MAX_FILE = 32 << 20

/**
 * The files of a folder as they are; what is no file of a dataset is named and not read. Throws `idle-dataset` where the folder cannot be read, or holds
 * a file of more than `maxBytes`.
 */
export async function readDataset(folder: string, maxBytes: number): Promise<Found> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw unreadable(`cannot read ${folder} (${messageOf(cause)}); name the folder that holds manifest.json`)
  })
  const files = new Map<string, string>()
  for (const name of names) {
    const { size } = await stat(join(folder, name))
    if (size > maxBytes)
      throw unreadable(`${join(folder, name)} has ${size} bytes; no file of a dataset has more than ${maxBytes}`)
    files.set(name, DATASET_FILE.test(name) ? await readFile(join(folder, name), 'utf8') : '')
  }
  return files
}

function unreadable(message: string): FishermanError {
  return new FishermanError({ code: 'idle-dataset', message, blame: 'ours' })
}

/** Datasets that `fisherman idle --publish` wrote to `folder`. */
export function createDatasets(folder: string): Datasets {
  let read: { key: string; dataset: PublishedDataset } | undefined
  return {
    async newest() {
      for (const round of await roundsIn(folder)) {
        const place = join(folder, `round-${round}`)
        const manifest = await stat(join(place, MANIFEST)).catch(() => undefined)
        if (!manifest) continue
        // Written whole under its name each time, so that another one has another inode or time.
        const key = `${round}/${manifest.ino}/${manifest.mtimeMs}/${manifest.size}`
        if (read?.key !== key) read = { key, dataset: { ...(await checked(place)), round } }
        return read.dataset
      }
      return undefined
    },
  }
}

/** The files as they are, to everybody: a stranger derives the numbers again, and has no token. */
export function datasetRoutes(folder: string, deps: { guard: Guard; files: FileDesk }): (app: HttpApp) => void {
  return (root) => {
    root.register(async (app) => {
      app.setErrorHandler((error: unknown, _request, reply) => sendProblem(reply, error))
      app.get('/fisherman/v1/idle/:round/:name', async (request, reply) => {
        deps.guard.throttle(request)
        return await sendFile(deps.files, folder, request, reply)
      })
    })
  }
}

async function sendFile(files: FileDesk, folder: string, request: HttpRequest, reply: HttpReply): Promise<HttpReply> {
  const { round, name } = request.params as { round: string; name: string }
  if (!FOLDER.test(round) || !DATASET_FILE.test(name))
    return reply.code(400).send({ error: 'ask for round-N/manifest.json, or a file that it names by its hash' })
  const file = join(folder, round, name)
  const info = await stat(file).catch(() => undefined)
  if (!info?.isFile()) return reply.code(404).send({ error: 'this fisherman has not published such a file' })
  const isNamedByHash = name.startsWith('0x')
  reply
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', isNamedByHash ? 'public, max-age=31536000, immutable' : 'no-cache')
    .type(isNamedByHash ? 'application/x-ndjson' : 'application/json')
  return files.send(request, reply, file, info.size)
}

/** What cannot be read is a problem of the dataset as any other. */
async function checked(place: string): Promise<Checked> {
  return await readDataset(place, MAX_FILE).then(checkDataset, (error: unknown) => ({
    problems: [messageOf(error)],
    publisher: null,
    results: [],
  }))
}

/** Newest first. */
async function roundsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  const rounds = names.flatMap((name) => FOLDER.exec(name)?.[1] ?? [])
  return rounds.sort((a, b) => Number(b) - Number(a))
}
