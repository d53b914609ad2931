import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { BUNDLE_VERSION } from '../../proofs/bundle-fields.ts'
import { encodeStatement, STATEMENT_KINDS, STATEMENT_STRUCTS } from '../../proofs/codec.ts'
import { encodeConviction } from '../../proofs/evidence.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import { FAULT_CLASSES, LIMITS, OUTCOMES, type StructName, VERDICT_VERSION } from '../../proofs/types.ts'
import { ENTRY_KINDS } from '../../src/prooflog/entry.ts'
import { conviction, convictionProof, reportOf } from '../vectors/evidence.ts'

// The specification must not rot: its numbers are those of the vectors, its example runs, and nothing that is signed is missing.

const folder = fileURLToPath(new URL('../../proofs/', import.meta.url))
const page = readFileSync(join(folder, 'README.md'), 'utf8')
const vectors = readdirSync(join(folder, 'vectors'))
  .map((name) => readFileSync(join(folder, 'vectors', name), 'utf8'))
  .join('\n')
const blockOf = (language: string) => new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)?.[1] ?? ''

describe('the specification', () => {
  it('has no number that is not in the vectors', () => {
    const found = [...page.matchAll(/0x[0-9a-f]{8,}…?/g)].map(([text]) => text)
    expect(found.length).toBeGreaterThan(25)
    const missing = found.filter((text) =>
      text.endsWith('…') ? !vectors.includes(`"${text.slice(0, -1)}`) : !vectors.includes(`"${text}"`),
    )
    expect(missing).toEqual([])
  })

  it('has an example that runs and prints what it says', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'fisherman-readme-'))
    try {
      const outfile = join(temporary, 'example.mjs')
      const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
      await build({
        ...{ stdin: { contents: blockOf('ts'), resolveDir: folder, loader: 'ts' }, outfile, bundle: true },
        ...{ platform: 'node', format: 'esm', logLevel: 'silent', banner: { js: banner } },
      })
      const printed = execFileSync(process.execPath, [outfile], { cwd: join(folder, '..'), encoding: 'utf8' })
      expect(printed).toBe(blockOf('json'))
      expect(JSON.parse(printed)).toMatchObject({ valid: true })
    } finally {
      rmSync(temporary, { recursive: true, force: true })
    }
  })

  it.each(Object.keys(STRUCTS) as StructName[])('has the type string of %s', (name) => {
    const fields = STRUCTS[name].map((field) => `${field.type} ${field.name}`).join(',')
    expect(page).toContain(`\n    ${name}(${fields})\n`)
  })

  it('has every kind, class, outcome, limit and version', () => {
    for (const kind of STATEMENT_KINDS) expect(page).toContain(`| \`${kind}\` | \`${STATEMENT_STRUCTS[kind]}\` |`)
    for (const kind of ENTRY_KINDS) expect(page, kind).toMatch(new RegExp(`^\\| .*\`${kind}\``, 'm'))
    OUTCOMES.forEach((outcome, i) => {
      expect(page).toContain(`${i} ${outcome}`)
    })
    for (const [name, number] of Object.entries(FAULT_CLASSES)) {
      expect(page).toContain(name)
      expect(page).toMatch(new RegExp(`\\| [^|]*\\b${name}\\b[^|]*\\| [^|]*\\b${number}\\b[^|]*\\|`))
    }
    for (const limit of Object.values(LIMITS)) expect(page).toMatch(new RegExp(`\\| .*\\b${limit.toLocaleString('en-US')}\\b`))
    expect(page).toContain(`\`bundleVersion\`, now ${BUNDLE_VERSION}`)
    expect(page).toContain(`\`verdictVersion\`, now ${VERDICT_VERSION}`)
  })

  it('says how many votes fit a report', async () => {
    const votes = Number(/(\d+) votes fit/.exec(page)?.[1])
    const value = await conviction('D2')
    const bytes = async (count: number) => {
      const evidence = encodeConviction({ ...value, shares: Array(count).fill(value.shares[0]) })
      return encodeStatement(await reportOf({ ...convictionProof('D2', value), evidence })).length
    }
    expect(await bytes(votes)).toBeLessThanOrEqual(LIMITS.statementBytes)
    expect(await bytes(votes + 1)).toBeGreaterThan(LIMITS.statementBytes)
  })

  it('leads to every place that it names', () => {
    const slugs = [...page.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-'))
    const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, link]) => link)
    expect(links.filter((link) => !slugs.includes(link ?? ''))).toEqual([])
    const files = [...page.matchAll(/`([a-z-]+\.ts)`/g)].map(([, name]) => name as string)
    expect(files.filter((name) => !readdirSync(folder).includes(name) && name !== 'abi.ts')).toEqual([])
  })
})
