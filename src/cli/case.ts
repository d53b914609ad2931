import { listCases, type SubmitStep, showCase, stepCase, submitCase } from '../operator/case.ts'
import { lpt, span } from './amounts.ts'
import { agrees } from './ask.ts'
import type { CaseListOptions, CaseOptions, CaseSpendOptions } from './case.options.ts'
import { caseLines, caseTable } from './case-view.ts'
import { progressBar } from './chain-view.ts'
import { complain } from './complain.ts'
import { toJson } from './json.ts'
import { spending } from './spend.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman case ls`. */
export async function caseListCommand(options: CaseListOptions): Promise<number> {
  return await run('ls', async (signal) => {
    const { cases, nowSec } = await withBar((deps) => listCases(options, options, deps, { signal }))
    if (options.json) for (const one of cases) console.log(toJson({ ...one.case, events: one.events }))
    else for (const line of caseTable(cases, nowSec)) console.log(line)
    return 0
  })
}

/** `fisherman case show`. */
export async function caseShowCommand(faultId: string | undefined, options: CaseOptions): Promise<number> {
  return await run('show', async (signal) => {
    const { found, nowSec } = await withBar((deps) => showCase(options, faultId, deps, { signal }))
    if (options.json) console.log(toJson({ ...found.case, events: found.events }))
    else for (const line of caseLines(found, nowSec)) console.log(line)
    return 0
  })
}

/** `fisherman case submit`. */
export async function caseSubmitCommand(file: string, options: CaseSpendOptions): Promise<number> {
  const { dryRun = false, yes = false, json = false } = options
  const say = (line: string) => (json ? console.error(line) : console.log(line))
  return await run('submit', async (signal) => {
    const done = await submitCase(
      options,
      file,
      {
        async confirm({ faultClass, faultId, transcoder, stake, takes }) {
          say(`This proves ${faultClass} against ${transcoder}, fault ${faultId}.`)
          say(`It has a deposit of ${lpt(stake)}; the class takes up to ${lpt(takes)}, a tenth of it goes to the finder.`)
          return !dryRun && (await agrees('Bring it?', yes, signal))
        },
        onStep: (step) => tell(step, say),
      },
      { signal },
    )
    if (!done) {
      say(dryRun ? 'The chain would take it. Nothing was sent.' : 'Nothing was sent.')
      return dryRun ? 0 : 2
    }
    if (json) console.log(toJson(done))
    else console.log(`Convicted: ${lpt(done.amount)} were taken from ${done.transcoder}, ${done.gasUsed} gas.`)
    return 0
  })
}

/** `fisherman case answer|appeal|settle|expire`. */
export async function caseStepCommand(
  action: 'answer' | 'appeal' | 'settle' | 'expire',
  faultId: string,
  options: CaseSpendOptions,
): Promise<number> {
  const { dryRun = false, json = false, claim, publish, rebuttal } = options
  return await run(action, async (signal) => {
    const { say, hooks } = spending(options, signal)
    const done = await stepCase(
      options,
      {
        action,
        faultId,
        ...(claim === undefined ? {} : { claim }),
        ...(rebuttal === undefined ? {} : { rebuttal }),
        ...(publish === undefined ? {} : { publish }),
      },
      hooks,
      { signal },
    )
    if (!done) say('Nothing was sent.')
    else if (json) console.log(toJson(done))
    return done || dryRun ? 0 : 2
  })
}

/** A line that is written over on a terminal; elsewhere only what was sent. */
function tell(step: SubmitStep, say: (line: string) => void): void {
  const live = process.stderr.isTTY === true
  if (step.step === 'waiting') {
    if (live) process.stderr.write(`\r\u001b[Kreveal in ${span(step.leftSec)}`)
    return
  }
  if (live) process.stderr.write('\r\u001b[K')
  if (step.step === 'sent') say(`reveal    ${step.tx}`)
  else say(`commit    ${step.tx ?? 'is there from before'}`)
}

async function withBar<T>(work: (deps: { onProgress?: ReturnType<typeof progressBar>['show'] }) => Promise<T>): Promise<T> {
  const bar = process.stderr.isTTY ? progressBar(process.stderr) : undefined
  return await work(bar ? { onProgress: bar.show } : {}).finally(() => bar?.clear())
}

async function run(name: string, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const signal = untilSignal()
  try {
    return await work(signal)
  } catch (error) {
    if (signal.aborted) return 130
    complain(`case ${name}`, error)
    return 2
  }
}
