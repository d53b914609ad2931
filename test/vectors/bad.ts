import { badBundles } from './bad-bundles.ts'
import { badDrawProofs, badSignatures, badStatements } from './bad-bytes.ts'
import { badJson } from './bad-json.ts'
import { badEvidence, badReports } from './bad-proofs.ts'
import { badLog, badMerkle } from './bad-trees.ts'
import { badSegData } from './livepeer.ts'

/** What every implementation must refuse. */
export async function bad(): Promise<unknown> {
  return {
    about: 'What must be refused. The fields of a case follow from its `what`; README.md lists them. `reason` is an expression.',
    cases: [
      ...(await badStatements()),
      ...badDrawProofs(),
      ...(await badSignatures()),
      ...badJson(),
      ...(await badEvidence()),
      ...(await badReports()),
      ...badMerkle(),
      ...(await badLog()),
      ...badBundles(),
      ...(await badSegData()),
    ],
  }
}
