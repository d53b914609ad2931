#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const program = new URL('../dist/app/main.js', import.meta.url)
if (!existsSync(fileURLToPath(program)) || !existsSync(fileURLToPath(new URL('../node_modules/sharp', import.meta.url)))) {
  process.stderr.write('fisherman is not set up in this folder yet. Type: npm run setup\n')
  process.exit(2)
}
await import(program)
