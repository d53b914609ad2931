import { describe, expect, it } from 'vitest'
import { checkFile, checkProject } from './imports.ts'

describe('import rules', () => {
  it('hold in the whole project', () => {
    expect(checkProject()).toEqual([])
  })

  // Each broken rule, as code that somebody could write.
  it.each([
    ['proofs/x.ts', "import { blameOf } from '../src/base/errors.ts'", /proofs imports nothing from src/],
    ['src/sample/x.ts', "import { a } from '../fetch/y.ts'", /to its right/],
    ['src/sample/x.ts', "import type { A } from '../fetch/y.ts'", /to its right/],
    ['src/fetch/x.ts', "import { a } from '../sample/y.ts'", /values of another room/],
    ['src/fetch/x.ts', "export { a } from '../sample/y.ts'", /values of another room/],
    ['src/fetch/x.ts', "const a = await import('../sample/y.ts')", /values of another room/],
    ['src/fetch/x.ts', "import { run } from '../daemon.ts'", /composition root/],
    ['src/fetch/x.ts', "import type { Frame } from '../daemon/frame.ts'", /composition root/],
    ['src/fetch/x.ts', "import type { Config } from '../config/schema.ts'", /not config/],
    ['src/cli/x.ts', "import { a } from '../gossip/node.ts'", /only composition roots/],
    ['src/verdict/x.ts', "import { createLibp2p } from 'libp2p'", /libp2p belongs in/],
    ['src/fetch/x.ts', "import { Level } from 'level'", /level belongs in/],
    ['src/court/x.ts', "import { Wallet } from 'ethers'", /ethers belongs in/],
    ['src/cli/x.ts', "import sharp from 'sharp'", /sharp belongs in/],
    ['src/devnet/x.ts', "import ffmpeg from 'fluent-ffmpeg'", /fluent-ffmpeg belongs in/],
    ['src/observe/x.ts', "import fastify from 'fastify'", /fastify belongs in/],
    ['src/chain/x.ts', "import { Counter } from 'prom-client'", /prom-client belongs in/],
    ['src/verdict/x.ts', "import { readFile } from 'node:fs/promises'", /pure/],
    ['src/court/x.ts', "import { createLog } from '../base/log.ts'", /pure/],
    ['src/chain/x.ts', 'const a = process.env.HOME', /process.env/],
    ['src/gossip/x.ts', 'console.log(1)', /console/],
    ['src/gossip/x.ts', 'process.exit(1)', /process.exit/],
    ['src/gossip/x.ts', 'const a = Date.now()', /Date.now/],
    ['src/gossip/x.ts', 'const a = new Date()', /new Date/],
    ['src/gossip/x.ts', 'const a = Math.random()', /Math.random/],
    ['src/gossip/x.ts', 'export default 1', /default export/],
  ])('notice %s: %s', (file, code, reason) => {
    expect(checkFile(file, code).join('\n')).toMatch(reason)
  })

  it.each([
    ['src/fetch/x.ts', "import type { Draw } from '../sample/draw.ts'\nimport { FishermanError } from '../base/errors.ts'"],
    ['src/pipeline.ts', "import { a } from './fetch/x.ts'\nimport { b } from './verdict/x.ts'"],
    ['src/cli/run.ts', "import { runDaemon } from '../daemon.ts'"],
    ['src/chain/x.ts', "import { JsonRpcProvider } from 'ethers'\nimport type { Vote } from '../court/votes.ts'"],
    ['src/cli/x.ts', 'console.log(process.argv)'],
  ])('allow %s: %s', (file, code) => {
    expect(checkFile(file, code)).toEqual([])
  })
})
