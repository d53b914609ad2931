import { join } from 'node:path'
import { createJudge, reasonLine } from '../judge.ts'
import { runFfmpeg } from '../transcode/ffmpeg.ts'
import { whyOf } from '../transcode/hardware/why.ts'
import { withScratch } from '../transcode/job.ts'
import { MEDIA_LIMITS } from '../transcode/types.ts'
import type { CheckUp, Finding, Patient } from './types.ts'

/** Two seconds of a moving test card: nothing is fetched, and no file of anybody's is needed. */
const CARD = 'testsrc2=size=426x240:rate=30:duration=2,format=yuv420p'
const GLOBAL = ['-hide_banner', '-nostdin', '-loglevel', 'repeat+level+info', '-filter_complex_threads', '1']
const X264 = ['-c:v', 'libx264', '-threads', '1', '-preset', 'veryfast']
const RUNG = ['-b:v', '400k', '-maxrate', '400k', '-bufsize', '400k']
/** Far above what it takes: a machine that is slower cannot keep up with a network anyway. */
const WALL_MS = 120_000

/** A source, an honest rendition of it and a forged one: the black-and-white copy that signatures of luma call a match. */
async function judged({ init, signal }: Patient): Promise<{ honest: string; forged: string }> {
  const { ffmpegPath, searchPath, sandbox } = init
  const scratchDir = join(init.scratchDir, 'self-test')
  const limits = { ...MEDIA_LIMITS, wallMs: WALL_MS }
  return await withScratch({ ffmpegPath, searchPath, scratchDir, limits, sandbox }, signal, async (run) => {
    const [source, honest, forged] = ['source', 'honest', 'forged'].map((name) => join(run.folder, `${name}.ts`)) as [
      string,
      string,
      string,
    ]
    const made = await runFfmpeg(
      run.wrapper,
      {
        inputs: [],
        filter: `${CARD},split=3[s][a][b];[a]scale=256:144[h];[b]scale=256:144,lutyuv=u=128:v=128[f]`,
        outputs: [
          { path: source, options: [...GLOBAL, '-map', '[s]', ...X264, '-crf', '18', '-f', 'mpegts'] },
          { path: honest, options: ['-map', '[h]', ...X264, ...RUNG, '-f', 'mpegts'] },
          { path: forged, options: ['-map', '[f]', ...X264, ...RUNG, '-f', 'mpegts'] },
        ],
      },
      { wallMs: WALL_MS, signal },
    )
    if (!made.ok) throw new Error(`ffmpeg cannot make the test files: ${whyOf(made.lines)}`)
    const judge = createJudge({ ffmpegPath, searchPath, scratchDir, maxJobs: 1, limits })
    const request = { source, renditions: [{ path: honest }, { path: forged }], depth: 'prove' } as const
    const { renditions } = await judge.judge(request, signal ? { signal } : {})
    const [first, second] = renditions.map(({ verdict, reasons }) => {
      const reason = reasons[0]
      return reason ? `${verdict} (${reasonLine(reason)})` : verdict
    })
    return { honest: first ?? 'no verdict', forged: second ?? 'no verdict' }
  })
}

export const selfTestCheckUp: CheckUp = {
  name: 'self-test',
  look: async (patient): Promise<Finding[]> => {
    const { honest, forged } = await judged(patient)
    if (honest.startsWith('pass') && forged.startsWith('fail')) {
      return [{ name: 'self-test', state: 'ok', says: 'honest work passes, a forged rendition fails' }]
    }
    const says = `honest work: ${honest}; forged work: ${forged}`
    return [
      { name: 'self-test', state: 'failed', says, mend: 'install a released ffmpeg, 5.1 or newer, and report this if it stays' },
    ]
  },
}
