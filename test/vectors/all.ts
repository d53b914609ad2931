import { bad } from './bad.ts'
import { bundle } from './bundle.ts'
import { fileText } from './common.ts'
import { dataset } from './dataset.ts'
import { draw } from './draw.ts'
import { evidence } from './evidence.ts'
import { example } from './example.ts'
import { formats } from './formats.ts'
import { livepeer } from './livepeer.ts'
import { log } from './log.ts'
import { merkle } from './merkle.ts'
import { statements } from './statements.ts'

const MAKERS: Readonly<Record<string, () => unknown>> = {
  'formats.json': formats,
  'statements.json': statements,
  'merkle.json': merkle,
  'log.json': log,
  'draw.json': draw,
  'evidence.json': evidence,
  'bundle.json': bundle,
  'example.json': example,
  'livepeer.json': livepeer,
  'dataset.json': dataset,
  'bad.json': bad,
}

/** Text of every generated file in proofs/vectors, by name. */
export async function vectorFiles(): Promise<ReadonlyMap<string, string>> {
  const made = Object.entries(MAKERS).map(async ([name, make]) => [name, fileText(await make())] as const)
  return new Map(await Promise.all(made))
}
