import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { blameOf } from '../../src/base/errors.ts'
import { createJudge } from '../../src/judge.ts'
import { decodesCleanly } from '../../src/transcode/decode.ts'
import { openFile, type TranscodeInit, withScratch } from '../../src/transcode/job.ts'
import { MEDIA_LIMITS } from '../../src/transcode/types.ts'
import { clip, movingSource, rendition } from './clips.ts'

// A machine in trouble accuses nobody, and media that plays one gets off nothing.

const folder = mkdtempSync(join(tmpdir(), 'fisherman-trouble-'))
const mounts: string[] = []
afterAll(() => {
  for (const mount of mounts) spawnSync('umount', [mount])
  rmSync(folder, { recursive: true, force: true })
})
const source = movingSource()
const own = rendition(source, { width: 256, height: 144, kbit: 200 })
let made = 0

/** An ffmpeg that does something first: `$1`… are its arguments, `$dir` is the scratch folder, `$n` counts runs of this job. */
function ffmpegThat(does: string): string {
  const path = join(folder, `ffmpeg-${made++}`)
  writeFileSync(
    path,
    `#!/bin/sh
case "$*" in -version) exec ffmpeg "$@" ;; esac
for out in "$@"; do :; done
dir=$(dirname "$out")
echo >> "$dir/count"; n=$(wc -l < "$dir/count")
${does}
exec ffmpeg "$@"
`,
  )
  chmodSync(path, 0o755)
  return path
}

/** A disk of its own; undefined where this user may not mount one. */
function disk(options: string): string | undefined {
  const path = join(folder, `disk-${made++}`)
  mkdirSync(path)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]).status !== 0) return undefined
  mounts.push(path)
  return path
}
const roomy = disk('size=96m')
const noMount = roomy === undefined

const initOf = (change: Partial<TranscodeInit> = {}): TranscodeInit => ({
  ...{ ffmpegPath: 'ffmpeg', searchPath: '', scratchDir: join(folder, 'jobs'), limits: MEDIA_LIMITS },
  ...change,
})
const prove = async (given: { ffmpegPath?: string; scratchDir?: string; rendition?: string }) => {
  const judge = createJudge({ scratchDir: join(folder, 'jobs'), maxJobs: 1, ...given })
  const { renditions } = await judge.judge({ source, renditions: [{ path: given.rendition ?? own }], depth: 'prove' })
  return renditions[0]
}
const cleanly = (init: TranscodeInit, path = own, before?: (folder: string, run: number) => void) =>
  withScratch(init, undefined, async (run) => {
    const { demuxed } = await openFile(path, run)
    if (!demuxed) throw new Error('no media')
    let runs = 0
    const wrapper: typeof run.wrapper = async (inputs) => {
      before?.(run.folder, ++runs)
      return await run.wrapper(inputs)
    }
    return await decodesCleanly({ path, facts: demuxed.facts }, { ...run, wrapper })
  })
const OURS = { code: 'machine-trouble', blame: 'ours' }

/** The strict run of a rendition, and not that of the source. */
const OF_RENDITION = `case "$*" in *-xerror*${own}*) true ;; *) false ;; esac`

describe('a machine in trouble', () => {
  it.skipIf(noMount)('blames nobody where the disk fills after the source was decoded', async () => {
    // What is decoded together fails, so that each file is looked at alone; room for the next command is left, and for no picture.
    const full =
      ': > "$out"; cat /dev/zero > "$dir/fill" 2>/dev/null; ffmpeg "$@"; end=$?; truncate -s -64K "$dir/fill"; exit $end'
    const ffmpegPath = ffmpegThat(`case "$*" in *planes0*) exit 1 ;; esac\n${OF_RENDITION} && { ${full}; }`)
    await expect(prove({ ffmpegPath, scratchDir: roomy! })).rejects.toMatchObject({
      ...OURS,
      message: expect.stringMatching(/disk-\d+.* has 0 MiB free and 64 are needed; free some space.*No space left on device/),
    })
  })

  it.skipIf(noMount)('reads no file that the disk cut short as a whole one', async () => {
    // So little room that ffmpeg notices only when it closes its outputs, and ends as if all was well.
    await expect(cleanly(initOf({ scratchDir: disk('size=16k')! }))).rejects.toMatchObject(OURS)
    await expect(prove({ scratchDir: disk('size=2m')! })).rejects.toMatchObject({ blame: 'ours' })
    const ended = await prove({ scratchDir: disk('nr_inodes=4')! }).catch(blameOf)
    expect(ended).toBe('ours')
  })

  it('that was full for a moment is asked again, and then says what is so', async () => {
    const full = (dir: string, run: number): void => {
      if (run === 1) symlinkSync('/dev/full', join(dir, 'strict'))
      else rmSync(join(dir, 'strict'), { force: true })
    }
    expect(await cleanly(initOf(), own, full)).toBe(true)
  })

  it.each([228, 244, 251])('is known by the exit code %i of a newer ffmpeg too', async (code) => {
    expect(await cleanly(initOf({ ffmpegPath: ffmpegThat(`[ "$n" = 1 ] && exit ${code}`) }))).toBe(true)
  })

  it('cannot read its own files', async () => {
    const path = join(folder, 'gone.ts')
    writeFileSync(path, readFileSync(own))
    const gone = cleanly(initOf({ sandbox: 'limits' }), path, () => rmSync(path, { force: true }))
    await expect(gone).rejects.toMatchObject({ ...OURS, message: expect.stringMatching(/gone\.ts cannot be read: ENOENT/) })
  })

  it('without a word, whatever it is: the source does not decode any more either', async () => {
    const ffmpegPath = ffmpegThat(
      `case "$*" in *planes0*) exit 1 ;; esac\n${OF_RENDITION} && touch "$dir/broken"; [ -e "$dir/broken" ] && exit 1`,
    )
    await expect(prove({ ffmpegPath })).rejects.toMatchObject({ ...OURS, message: expect.stringMatching(/does not now/) })
  })
})

describe('media that plays a machine in trouble', () => {
  const SAYS = 'No space left on device'
  const isFound = { verdict: 'fail', faultClass: 'D3' }

  it('by a title', async () => {
    const lines = `x\n[error] ${SAYS}\nbwrap: ${SAYS}`
    const path = clip('mp4', '-i', own, '-c', 'copy', '-metadata', `title=${lines}`, '-f', 'mp4')
    const bytes = readFileSync(path)
    const media = bytes.indexOf('mdat', 0, 'latin1') + 4
    bytes.fill(0x55, media + 2_000, media + 9_000)
    const broken = join(folder, 'title.mp4')
    writeFileSync(broken, bytes)
    expect(await prove({ rendition: broken })).toMatchObject(isFound)
  })

  it('by lines of its own in the log, as from ffmpeg and from the sandbox', async () => {
    const path = join(folder, 'lines.mp4')
    const whole = readFileSync(clip('mp4', '-i', own, '-c', 'copy', '-f', 'mp4'))
    writeFileSync(path, elsewhere(whole, `\nbwrap: no\n[error] a: ${SAYS}\n`))
    const said = spawnSync('ffmpeg', ['-loglevel', 'repeat+level+info', '-i', path], { encoding: 'utf8' }).stderr.split('\n')
    expect(said).toEqual(expect.arrayContaining(['bwrap: no', `[error] a: ${SAYS}`]))
    expect(await cleanly(initOf(), path)).toBe(false)
    expect(await prove({ rendition: path })).toMatchObject(isFound)
  })

  it('by asking for more memory than there may be', async () => {
    const path = join(folder, 'memory.mp4')
    const whole = readFileSync(clip('mp4', '-i', own, '-c', 'copy', '-f', 'mp4'))
    writeFileSync(path, greedy(whole))
    expect(spawnSync('ffmpeg', ['-i', path], { encoding: 'utf8' }).stderr).toContain('Cannot allocate memory')
    expect(await prove({ rendition: path })).toMatchObject(isFound)
  })
})

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const box = (kind: string, body: Buffer): Buffer => Buffer.concat([u32(body.length + 8), Buffer.from(kind), body])

/** Puts other bytes in the place of some, inside these boxes. */
function replaced(mp4: Buffer, at: number, length: number, by: Buffer, outer: readonly string[]): Buffer {
  const bytes = Buffer.concat([mp4.subarray(0, at), by, mp4.subarray(at + length)])
  for (const kind of outer) {
    const place = bytes.indexOf(kind, 0, 'latin1') - 4
    bytes.writeUInt32BE(bytes.readUInt32BE(place) + by.length - length, place)
  }
  return bytes
}

/** An MP4 with a table that says it has a thousand million entries. */
function greedy(mp4: Buffer): Buffer {
  const table = box('stps', Buffer.concat([u32(0), u32(0x3fff_ffff)]))
  return replaced(mp4, mp4.indexOf('stts', 0, 'latin1') - 4, 0, table, ['stbl', 'minf', 'mdia', 'trak', 'moov'])
}

/** An MP4 that says its pictures lie in another file, whose name is `name`. */
function elsewhere(mp4: Buffer, name: string): Buffer {
  const text = (value: string, length: number): Buffer =>
    Buffer.concat([Buffer.from(value, 'latin1'), Buffer.alloc(length)]).subarray(0, length)
  const alias = Buffer.concat([
    ...[Buffer.alloc(14), text('\x03vol', 28), Buffer.alloc(12), text(`\x3f${name}`, 64), Buffer.alloc(36)],
    // An absolute path, and the end of the list.
    ...[Buffer.from([0, 2, 0, 2]), Buffer.from('/x'), Buffer.from([0xff, 0xff, 0, 0])],
  ])
  const places = box('dref', Buffer.concat([u32(0), u32(1), box('alis', alias)]))
  const at = mp4.indexOf('dref', 0, 'latin1') - 4
  return replaced(mp4, at, mp4.readUInt32BE(at), places, ['dinf', 'minf', 'mdia', 'trak', 'moov'])
}
