import { coins, el, number, outcome, short, svg, table, tiles, title, trouble, when } from './dom.js'
import { filmCard } from './player.js'
import { isIncluded } from './proof.js'

const node = (address) => el('a', { href: `#/orchestrators/${encodeURIComponent(address)}` }, short(address))
const caseLink = (id) => el('a', { href: `#/cases/${encodeURIComponent(id)}` }, short(id))
const entryLink = (seq) => el('a', { href: `#/log/${seq}` }, `Entry ${seq}`)
const NO_SAMPLES = 'Nothing was checked yet. Samples come when a feed shows receipts; `fisherman doctor` says what is missing.'

function samplesTable(items) {
  const rows = items.map((one) => [
    el('a', { href: `#/samples/${one.seq}` }, when(one.atMs)),
    outcome(one.outcome),
    one.faultClass ?? '–',
    node(one.orchestrator),
    short(one.streamId),
  ])
  return table('Samples', ['Checked', 'Outcome', 'Class', 'Orchestrator', 'Stream'], rows, NO_SAMPLES)
}

/**
 * A list whose next page is one button away. The button goes with its page, so the focus moves to the new rows; where no page comes, the old one
 * stays with the reason under it.
 */
function paged(get, path, first, draw) {
  const place = el('div', {})
  const said = el('div', {})
  let isAsking = false
  const show = (page, at) => {
    const more = page.next === null ? undefined : el('button', { type: 'button', click: next }, 'Older')
    const back = at ? el('button', { type: 'button', click: () => turnTo(first, false) }, 'Newest') : undefined
    said.replaceChildren()
    place.replaceChildren(draw(page.items), el('p', {}, ...[back, ' ', more].filter(Boolean)), said)
    async function next() {
      if (isAsking) return
      isAsking = true
      try {
        turnTo(await get(`${path}${path.includes('?') ? '&' : '?'}cursor=${page.next}`), true)
      } catch (error) {
        const wasThere = said.contains(document.activeElement)
        said.replaceChildren(trouble(error, next))
        if (wasThere) said.querySelector('button').focus()
      } finally {
        isAsking = false
      }
    }
  }
  const turnTo = (page, at) => {
    show(page, at)
    place.querySelector('.scroll')?.focus()
  }
  show(first, false)
  return place
}

async function overview(get) {
  const [all, worst, newest] = await Promise.all([get('/summary'), get('/orchestrators?limit=5'), get('/samples?limit=8')])
  const { today, money } = all
  const pairs = [
    ['Checked today', today.checked],
    ['Found today', today.found],
    ['Taken from cheats', coins(money.takenWei)],
    ['Gas used', Number(money.gasUsed).toLocaleString()],
    ['Peers', all.peers],
    ['Waiting', all.waiting],
  ]
  return [
    ...title(
      'Overview',
      `Mode ${all.mode}${all.address ? `, as ${all.address}` : ', without a key'}. ${all.log.size} entries in the proof log.`,
    ),
    tiles(pairs),
    el('h2', {}, 'Most evidence against'),
    orchestratorTable(worst.items),
    el('h2', {}, 'Newest samples'),
    samplesTable(newest.items),
  ]
}

function orchestratorTable(items) {
  // Bytes that nobody else misses may be missing for a fault of ours.
  const rows = items.map((one) => {
    const [bad, doubt] = [one.fail + one.withheldAgreed, one.inconclusive + one.withheld - one.withheldAgreed]
    return [node(one.address), number(one.evidenceScore), one.checked, one.pass, bad, doubt].map(cell)
  })
  const empty = 'No feed has shown an orchestrator yet. Name feeds in the configuration (`feeds`).'
  return table('Orchestrators', ['Orchestrator', 'Evidence', 'Checked', 'Pass', 'Bad', 'In doubt'], rows, empty)
}
const cell = (value) => (value instanceof Node ? value : String(value))

async function orchestrators(get) {
  const first = await get('/orchestrators')
  return [
    ...title('Orchestrators', 'Evidence adds up bad samples against good ones; at 14 it is an alarm.'),
    paged(get, '/orchestrators', first, orchestratorTable),
  ]
}

/** One dot a verdict, oldest left; bad ones lie lower, so that colour is not all that tells them apart. */
function historyPlot(history) {
  const rows = ['pass', 'inconclusive', 'fail', 'withheld']
  const points = [...history].reverse()
  const step = 600 / Math.max(1, points.length - 1)
  const counts = rows.map((word) => `${points.filter((one) => one.outcome === word).length} ${word}`)
  const words = rows.map((word, i) => svg('text', { x: 0, y: 24 + i * 24 }, word))
  const dots = points.map((one, i) =>
    svg('circle', { class: `dot ${one.outcome}`, cx: 90 + i * step, cy: 20 + rows.indexOf(one.outcome) * 24, r: 4 }),
  )
  return svg(
    'svg',
    { class: 'plot', viewBox: '0 0 700 110', role: 'img', 'aria-label': `Verdicts: ${counts.join(', ')}` },
    ...words,
    ...dots,
  )
}

async function orchestrator(get, address) {
  const one = await get(`/orchestrators/${encodeURIComponent(address)}`)
  return [
    ...title('Orchestrator', el('code', {}, one.address)),
    tiles([
      ['Evidence', number(one.evidenceScore)],
      ['Checked', one.checked],
      ['Fail', one.fail],
      ['Withheld from several', one.withheldAgreed],
      ['Withheld from us alone', one.withheld - one.withheldAgreed],
      ['Receipts seen', one.receipts],
    ]),
    el('h2', {}, 'Verdicts over time'),
    el('div', { class: 'card' }, historyPlot(one.history)),
    el('h2', {}, 'Newest verdicts'),
    samplesTable(one.history.slice(0, 25)),
  ]
}

async function samples(get) {
  const first = await get('/samples')
  return [...title('Samples', 'Everything that was checked, newest first.'), paged(get, '/samples', first, samplesTable)]
}

/** A bar against its two lines. */
function measurePlot({ code, class: kind, value, clear, fraud, sees, frame }) {
  const end = Math.max(value, fraud ?? 0, clear ?? 0) * 1.15 || 1
  const x = (v) => Math.max(0, Math.min(600, (v / end) * 600))
  const state = fraud !== null && value > fraud ? 'fail' : clear !== null && value > clear ? 'inconclusive' : 'pass'
  const word = { fail: 'over its line', inconclusive: 'in doubt', pass: 'clear' }[state]
  const mark = (at, text) => [
    svg('line', { class: 'line', x1: x(at), x2: x(at), y1: 2, y2: 22 }),
    svg('text', { x: x(at), y: 34, 'text-anchor': x(at) > 540 ? 'end' : 'start' }, `${text} ${number(at)}`),
  ]
  const drawn = [
    svg('rect', { class: 'track', width: 600, height: 12, y: 6, rx: 6 }),
    svg('rect', { class: `bar ${state}`, width: Math.max(2, x(value)), height: 12, y: 6, rx: 6 }),
    ...(fraud === null ? (clear === null ? [] : mark(clear, 'clear to')) : mark(fraud, 'line')),
  ]
  return el(
    'div',
    { class: 'measure' },
    el(
      'p',
      {},
      el('span', {}, el('strong', {}, code), ` (${kind}) ${number(value)}: `, el('span', { class: `word ${state}` }, word)),
      el('small', {}, frame === null ? sees : `${sees}; worst at frame ${frame}`),
    ),
    svg(
      'svg',
      { class: 'plot', viewBox: '0 0 600 38', role: 'img', 'aria-label': `${code} ${number(value)}, ${word}` },
      ...drawn,
    ),
  )
}

async function sample(get, seq) {
  const one = await get(`/samples/${encodeURIComponent(seq)}`)
  const alt = 'Worst frames in rows: source, our control, the claimed rendition, and their difference'
  const sheet = one.hasSheet
    ? el('img', { class: 'sheet', src: `/api/v1/samples/${one.seq}/sheet.png`, alt })
    : el('p', { class: 'card empty' }, 'No contact sheet: one is drawn where a sample fails and its bytes are kept.')
  const measures = one.measures.map(measurePlot)
  const none = one.missing ? `Not judged: ${one.missing}` : 'No measure with a line was taken.'
  return [
    ...title(
      `Sample of ${new Date(one.atMs).toLocaleString()}`,
      el(
        'span',
        {},
        outcome(one.outcome),
        one.faultClass ? ` ${one.faultClass}` : '',
        ' by ',
        node(one.orchestrator),
        ', stream ',
        el('code', {}, one.streamId),
      ),
    ),
    ...(one.isHidden
      ? [
          el(
            'p',
            { class: 'card empty' },
            'A private stream: its pictures are not shown. Numbers are all that is kept of it here.',
          ),
        ]
      : [el('h2', {}, 'Side by side'), filmCard(get, one.seq), el('h2', {}, 'Worst frames'), sheet]),
    el('h2', {}, 'Measures against their lines'),
    el('div', { class: 'card' }, ...(measures.length > 0 ? measures : [el('p', { class: 'empty' }, none)])),
    el('h2', {}, 'Record'),
    el('p', {}, entryLink(one.seq), ' of the log proves when this was written. '),
  ]
}

async function cases(get) {
  const first = await get('/cases')
  const draw = (items) =>
    table(
      'Cases',
      ['Case', 'Orchestrator', 'Class', 'State', 'Last step'],
      items.map((one) => [caseLink(one.faultId), node(one.orchestrator), one.faultClass, one.state, when(one.updatedMs)]),
      'No case yet. One is opened where members agree that a node cheated, or its own signatures prove it.',
    )
  return [...title('Cases', 'In the order of their last step.'), paged(get, '/cases', first, draw)]
}

async function oneCase(get, id) {
  const one = await get(`/cases/${encodeURIComponent(id)}`)
  const steps = one.timeline.map((step) =>
    el(
      'li',
      {},
      el('strong', {}, step.what),
      ' ',
      when(step.atMs),
      ' ',
      entryLink(step.seq),
      step.tx ? el('span', {}, ', transaction ', short(step.tx)) : undefined,
    ),
  )
  const bundle = one.evidenceHash
    ? el('a', { href: `/fisherman/v1/bundles/${encodeURIComponent(one.evidenceHash)}` }, 'Download its evidence')
    : 'Its evidence is not named yet.'
  return [
    ...title('Case', el('code', {}, one.faultId)),
    tiles([
      ['State', one.state],
      ['Class', one.faultClass],
      ['Taken', one.amountWei === null ? '–' : coins(one.amountWei)],
    ]),
    el('p', {}, 'Against ', node(one.orchestrator), '. ', bundle),
    ...(one.rebuttalHash === null
      ? []
      : [
          el('h2', {}, 'What the accused says'),
          el(
            'div',
            { class: 'card' },
            one.rebuttal === null
              ? `Its answer is on the chain as the hash ${one.rebuttalHash}, but the node does not serve the words.`
              : el('pre', {}, one.rebuttal),
          ),
        ]),
    el('h2', {}, 'Timeline'),
    el('ol', { class: 'timeline card' }, ...steps),
  ]
}

const IDLE_WORDS = {
  works: 'pass',
  idle: 'withheld',
  'paid-without-work': 'fail',
  'self-dealt': 'withheld',
  unproven: 'inconclusive',
}

async function idle(get) {
  const lead = 'From rewards, tickets and stake on the chain, beside what was seen. Facts and their names, not accusations.'
  const { dataset: all } = await get('/idle')
  if (all === null)
    return [
      ...title('Who earns without working', lead),
      el(
        'p',
        { class: 'card empty' },
        'No dataset was published here. `fisherman idle --publish --config FILE` makes one of the last whole rounds.',
      ),
    ]
  const first = Number(all.round) - all.rounds + 1
  const of = (name) => all.items.filter((one) => one.class === name).length
  const rows = all.items.map((one) => [
    node(one.address),
    el('span', { class: `word ${IDLE_WORDS[one.class]}` }, one.class),
    one.why,
    coins(one.mintedWei),
    `${one.rewardedRounds} of ${all.rounds}`,
    one.tickets === 0 ? 'none' : `${one.tickets} for ${coins(one.redeemedWei)} ETH`,
    coins(one.ownBondWei),
    coins(one.delegatedWei),
    one.atRiskPpm === null ? 'no bond' : `${number(Number(one.atRiskPpm) / 1e6)} times`,
  ])
  const heads = [
    'Orchestrator',
    'Class',
    'Why',
    'LPT minted',
    'Rounds rewarded',
    'Tickets',
    'Own LPT',
    'LPT of others',
    'At risk',
  ]
  const good = all.problems.length === 0
  return [
    ...title('Who earns without working', lead),
    tiles([
      ['Rounds', `${first} to ${all.round}`],
      ['Paid without work', of('paid-without-work')],
      ['Self-dealt', of('self-dealt')],
      ['Idle', of('idle')],
      ['Unproven', of('unproven')],
      ['Working', of('works')],
    ]),
    el(
      'p',
      { class: 'card' },
      el(
        'span',
        { class: `word ${good ? 'pass' : 'fail'}` },
        good ? 'Derived again from its events' : 'Its numbers do NOT follow',
      ),
      `, ${all.publisher ? `signed by ${all.publisher}` : 'signed by nobody'}. `,
      el('a', { href: `${all.files}/manifest.json` }, 'Its manifest'),
      ' names all files by their hash; `fisherman idle verify` takes its address.',
      ...all.problems.map((problem) => ` ${problem}.`),
    ),
    table('Orchestrators', heads, rows, 'The dataset names no orchestrator.'),
  ]
}

async function log(get) {
  const first = await get('/log')
  const draw = (items) =>
    table(
      'Entries',
      ['Entry', 'Written', 'Kind', 'About'],
      items.map((one) => [entryLink(one.seq), when(one.atMs), one.kind, one.about ?? '–']),
      'The log is empty.',
    )
  return [
    ...title('Proof log', el('span', {}, `${first.head.size} entries, root `, short(first.head.root))),
    paged(get, '/log', first, draw),
  ]
}

async function entry(get, seq) {
  const one = await get(`/log/${encodeURIComponent(seq)}`)
  const good = await isIncluded(one)
  const word =
    good === undefined
      ? el('span', { class: 'word inconclusive' }, 'Not checked: browsers hash only on localhost or https')
      : el(
          'span',
          { class: `word ${good ? 'pass' : 'fail'}` },
          good ? 'Checked in this browser: it is in the log' : 'The path does NOT lead to the root',
        )
  return [
    ...title(`Entry ${one.seq}`, word),
    el('div', { class: 'card' }, el('pre', {}, JSON.stringify(JSON.parse(one.text), null, 2))),
    el('h2', {}, `Path to the root of ${one.size} entries`),
    el('div', { class: 'card' }, el('pre', {}, [one.leaf, ...one.path, one.root].join('\n'))),
  ]
}

async function peers(get) {
  const { peers: all } = await get('/peers')
  const known = (value, draw) => (value === undefined || value === null ? '–' : draw(value))
  const rows = all.map((peer) => [
    short(String(peer.id ?? '')),
    el('code', {}, known(peer.address, String)),
    known(peer.direction, (direction) => (direction === 'outbound' ? 'we dialled' : 'it dialled')),
    known(peer.speaks, (speaks) => (speaks === 'full' ? 'all' : String(speaks))),
    known(peer.score, (score) => Number(score).toFixed(1)),
    known(peer.latencyMs, (ms) => `${Math.round(ms)} ms`),
    known(peer.connectedAtMs, when),
    known(peer.agent, String),
  ])
  return [
    ...title('Peers', `${all.length} links now.`),
    table(
      'Peers',
      ['Peer', 'Address', 'Link', 'Speaks', 'Score', 'Round trip', 'Since', 'Program'],
      rows,
      'No peer is connected. Name one in `gossip.bootstrap`, or run `fisherman doctor`.',
    ),
  ]
}

/** Views by the parts of the hash: the list, and one of it. */
export const VIEWS = {
  '': { name: 'Overview', list: overview, live: true },
  orchestrators: { name: 'Orchestrators', list: orchestrators, one: orchestrator },
  samples: { name: 'Samples', list: samples, one: sample },
  cases: { name: 'Cases', list: cases, one: oneCase },
  idle: { name: 'Who earns without working', list: idle },
  log: { name: 'Log', list: log, one: entry },
  peers: { name: 'Peers', list: peers, live: true },
}
