import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkReadme, readmes, rooms, root } from './readmes.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe('the pages beside the code', () => {
  it('are there for every room', () => {
    expect(rooms().filter((room) => !readmes().includes(`src/${room}/README.md`))).toEqual([])
  })

  it.each(readmes())('%s keeps what it promises', async (path) => {
    expect(await checkReadme(path, read(path))).toEqual([])
  })

  // Each broken promise, as somebody could write it.
  it.each([
    ['README.md', 'see [there](src/nowhere.md)', /its link src\/nowhere.md leads nowhere/],
    ['src/court/README.md', 'see [there](../nowhere/README.md)', /leads nowhere/],
    ['README.md', 'see [there](src/observe/README.md#no-such-heading)', /names no heading/],
    ['README.md', '# One\n\nsee [two](#two)', /names no heading/],
    ['README.md', 'lies in `src/court/nobody.ts`', /src\/court\/nobody.ts does not exist/],
    ['README.md', 'lies in `test/court/*.mts`', /does not exist/],
    ['src/court/README.md', 'lies in `nobody.ts`', /nobody.ts is not in src\/court/],
    ['src/court/README.md', 'held by `nobody.test.ts`', /is not in src\/court/],
    ['src/court/README.md', '`court.ts` and `params.ts` and `score.ts`', /says nothing of src\/court\/trust.ts/],
    ['src/README.md', '`daemon.ts`', /says nothing of src\/pipeline.ts/],
    ['README.md', 'watch `fisherman_wings`', /no metric fisherman_wings/],
    ['README.md', 'type `npm run fly`', /no npm run fly/],
    ['README.md', '    npx fisherman fly --high', /no command fisherman fly/],
    ['README.md', '```sh\nfisherman log fly\n```', /no command fisherman log fly/],
    ['README.md', 'type `fisherman log verify --hard`', /fisherman log verify takes no --hard/],
    ['README.md', 'type `fisherman run --http.prot 1`', /fisherman run takes no --http.prot/],
  ])('%s: notices %s', async (path, text, problem) => {
    expect((await checkReadme(path, text)).join('\n')).toMatch(problem)
  })

  it.each([
    ['README.md', 'see [there](src/observe/README.md#scores-for-gateways) and [elsewhere](https://example.org/x)'],
    ['src/court/README.md', '`*.ts`, `../court/court.ts`, `test/court/court.test.ts`, `trust.test.ts`, `fisherman_ready`'],
    ['README.md', '    npx fisherman log verify --data-dir DIR --from 0   # --no-such-flag\n'],
    ['README.md', 'type `fisherman run --http.port 1 --first-start`, ask a fisherman flying high'],
  ])('%s: allows %s', async (path, text) => {
    expect(await checkReadme(path, text)).toEqual([])
  })
})
