import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { readNetworkFile } from '../config/network-file.ts'
import { configFile, dataFolder } from '../config/paths.ts'
import { MODES, NETWORKS } from '../config/schema.ts'
import type { FirstConfig } from '../config/template.ts'
import { begin, refuseExisting } from '../operator/init.ts'
import { complain, usage } from './complain.ts'
import type { InitOptions } from './init.options.ts'

type Answered = 'network' | 'mode' | 'rpc' | 'deployment' | 'feeds'

interface Question {
  name: Answered
  text: string
  /** Taken for an empty answer. */
  fallback(known: InitOptions): string | undefined
  /** What is wrong with an answer. */
  wrong(answer: string): string | undefined
}

const FEED = /^(0x[0-9a-fA-F]{40})=(https?:\/\/\S+)$/

function questionsFor(file: string): Question[] {
  const among = (words: readonly string[]) => (answer: string) =>
    words.includes(answer) ? undefined : `must be one of ${words.join(', ')}`
  return [
    { name: 'network', text: `Which network? ${NETWORKS.join(', ')}`, fallback: () => 'local', wrong: among(NETWORKS) },
    {
      name: 'mode',
      text: 'What may it do? observe signs nothing, attest answers, dry-run simulates transactions, active sends them',
      fallback: () => 'observe',
      wrong: among(MODES),
    },
    {
      name: 'rpc',
      text: 'RPC URL of the chain? Two or more with commas are compared',
      fallback: ({ network }) => (network === 'local' ? 'http://127.0.0.1:8545' : undefined),
      wrong: (answer) => (listOf(answer).every((url) => /^https?:\/\/\S+$/.test(url)) ? undefined : 'must be http or https URLs'),
    },
    {
      name: 'deployment',
      text: 'File that says where the contracts lie?',
      fallback: () => join(dirname(file), 'deployment.json'),
      wrong: () => undefined,
    },
    {
      name: 'feeds',
      text: 'Which orchestrators? 0xADDRESS=URL with commas, or none',
      fallback: () => 'none',
      wrong: (answer) =>
        answer === 'none' || listOf(answer).every((feed) => FEED.test(feed)) ? undefined : 'must be 0xADDRESS=URL, or none',
    },
  ]
}

export interface InitDeps {
  /** Asks a person; undefined where nobody is there. */
  ask: ((question: string) => Promise<string>) | undefined
}

/** `fisherman init`. */
export async function initCommand(options: InitOptions, deps?: InitDeps): Promise<number> {
  const terminal =
    deps || options.yes || !process.stdin.isTTY ? undefined : createInterface({ input: process.stdin, output: process.stderr })
  try {
    const file = resolve(options.config ?? configFile())
    await refuseExisting(file)
    const known = { ...joined(options.join), ...options }
    const answers = await answersTo(questionsFor(file), known, deps?.ask ?? (terminal && ((text) => terminal.question(text))))
    const first = firstOf(answers)
    tellBegun(file, first, await begin(file, first), options)
    return 0
  } catch (error) {
    complain('init', error)
    return 2
  } finally {
    terminal?.close()
  }
}

/** The answers that a network file gives; flags go before it. */
function joined(file: string | undefined): InitOptions {
  if (file === undefined) return {}
  const { network, rpc, deployment, feeds, bootstrap } = readNetworkFile(file)
  return {
    ...{ network, rpc: rpc.join(','), deployment, bootstrap: bootstrap.join(',') },
    feeds: feeds.map(({ transcoder, url }) => `${transcoder}=${url}`).join(',') || 'none',
  }
}

async function answersTo(questions: readonly Question[], options: InitOptions, ask: InitDeps['ask']): Promise<InitOptions> {
  const known: InitOptions = { ...options }
  if (!options.yes && !ask) throw usage('there is no terminal to ask at; add --yes and flags (--help names them)')
  for (const { name, text, fallback, wrong } of questions) {
    const given = known[name]
    const flagWrong = given === undefined ? undefined : wrong(given)
    if (flagWrong) throw usage(`--${name} ${flagWrong}`)
    if (given !== undefined) continue
    const usual = fallback(known)
    for (;;) {
      const typed = options.yes || !ask ? '' : (await ask(`${text}${usual === undefined ? '' : ` [${usual}]`} `)).trim()
      const answer = typed || usual
      const trouble = answer === undefined ? 'has no default here; say it' : wrong(answer)
      if (answer !== undefined && trouble === undefined) {
        known[name] = answer
        break
      }
      if (options.yes || !ask) throw usage(`--${name} ${trouble}`)
      console.error(trouble)
    }
  }
  return known
}

function firstOf(answers: InitOptions): Omit<FirstConfig, 'key'> {
  const feeds = answers.feeds === 'none' ? [] : listOf(answers.feeds)
  return {
    network: NETWORKS.find((network) => network === answers.network) ?? 'local',
    mode: MODES.find((mode) => mode === answers.mode) ?? 'observe',
    dataDir: resolve(answers.dataDir ?? dataFolder()),
    rpc: listOf(answers.rpc),
    deployment: resolve(answers.deployment ?? 'deployment.json'),
    feeds: feeds.map((feed) => ({ transcoder: FEED.exec(feed)?.[1] ?? '', url: FEED.exec(feed)?.[2] ?? '' })),
    bootstrap: listOf(answers.bootstrap),
    httpPort: Number(answers.httpPort ?? 7936),
  }
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
}

function tellBegun(
  file: string,
  first: Omit<FirstConfig, 'key'>,
  begun: Awaited<ReturnType<typeof begin>>,
  options: InitOptions,
) {
  console.log(`configuration ${file}`)
  console.log(`data folder   ${first.dataDir}`)
  if (begun.key)
    console.log(
      `key           ${begun.address} in ${begun.key.file}${begun.madeKey ? '; keep a copy of it and its password' : ', from before'}`,
    )
  if (!existsSync(first.deployment)) console.log(`put the deployment file at ${first.deployment} (fisherman deploy writes one)`)
  const flags = [...(options.config === undefined ? [] : [`--config ${file}`]), ...(begun.madeKey ? ['--first-start'] : [])]
  console.log(`next, type: fisherman run ${flags.join(' ')}`.trimEnd())
}
