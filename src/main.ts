import './polyfill.ts'
import { main } from './cli/index.ts'

await main(process.argv)
