import { spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { chainIdOf } from '../../src/chain/account.ts'
import { randomMnemonic } from '../../src/chain/setup.ts'
import { startAnvil } from '../../src/devnet/anvil.ts'
import { options } from './world.ts'

async function gone(rpcUrl: string): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    if (
      await chainIdOf(rpcUrl, options).then(
        () => false,
        () => true,
      )
    )
      return true
    await wait(50)
  }
  return false
}

it('the local chain ends with stop, and with the signal', async () => {
  const stop = new AbortController()
  const first = await startAnvil({ mnemonic: randomMnemonic(), accounts: 2, signal: stop.signal })
  expect(await chainIdOf(first.rpcUrl, options)).toBe(31_337n)
  await first.stop()
  expect(await gone(first.rpcUrl)).toBe(true)
  const second = await startAnvil({ mnemonic: randomMnemonic(), accounts: 2, chainId: 77n, signal: stop.signal })
  expect(await chainIdOf(second.rpcUrl, options)).toBe(77n)
  stop.abort()
  await second.stopped
  expect(await gone(second.rpcUrl)).toBe(true)
})

it('the local chain ends when our process is killed without a chance to clean up', async () => {
  // Plain JavaScript does what anvil.ts does; esbuild is at hand to run the real file.
  const { build } = await import('esbuild')
  const outfile = fileURLToPath(new URL('../../dist/test/anvil.mjs', import.meta.url))
  await build({
    stdin: {
      contents: `import { startAnvil } from './src/devnet/anvil.ts'
        const anvil = await startAnvil({ mnemonic: process.argv[2], accounts: 1, signal: new AbortController().signal })
        process.stdout.write(anvil.rpcUrl + '\\n')
        setInterval(() => {}, 1000)`,
      resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
  })
  const child = spawn(process.execPath, [outfile, randomMnemonic()], { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise<string>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())),
  )
  expect(await chainIdOf(url, options)).toBe(31_337n)
  child.kill('SIGKILL')
  expect(await gone(url)).toBe(true)
})

it('a wrong option gets one line', async () => {
  await expect(startAnvil({ mnemonic: 'not a mnemonic', signal: options.signal })).rejects.toThrow(
    /the local chain did not start/,
  )
})
