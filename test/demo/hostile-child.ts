import '../../src/polyfill.ts'
import { loadConfig } from '../../src/config/load.ts'
import { startDaemon } from '../../src/daemon.ts'
import { createLogger } from '../../src/observe/logger.ts'

// The daemon itself with another judge or another pen, which the bundler puts in the place of its own: everything else of a hostile member is
// real, its bond, its draws, its seals and its votes.

await startDaemon(loadConfig(process.argv[2] ?? '', {}), createLogger({ level: 'info', format: 'json' }), {
  version: 'hostile',
  firstStart: true,
})
