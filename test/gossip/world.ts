// Signed statements and a small world (chain view, clock, log) for the tests of gossip.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keccak256, SigningKey } from 'ethers'
import { type AnyStatement, encodeDrawProof, encodeStatement, type Statement, type StatementKind } from '../../proofs/codec.ts'
import { digestOf, merkleProbe } from './probe.ts'
