// libp2p needs Promise.withResolvers, which Node 20 does not have; the program loads the same file first.
import '../src/polyfill.ts'
import { afterAll } from 'vitest'
import { removeScratch } from './helpers/scratch.ts'

// Of all hooks after a file this one was made first, so it runs last.
afterAll(removeScratch)
