// libp2p needs Promise.withResolvers, which Node 20 does not have; the program loads the same file first.
import '../src/polyfill.ts'
