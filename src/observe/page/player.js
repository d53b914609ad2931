// Source, control and claimed rendition of the same moments, side by side, and where the last differs from the first.
import { el } from './dom.js'

const NAMES = {
  source: 'Source',
  control: 'Our own transcode',
  claimed: 'What was delivered',
  difference: 'Difference, four times as strong',
}
const GAIN = 4
/** Milliseconds between pictures where the file tells no times. */
const STEP_MS = 100

/** A card that loads the film when asked to: the first time it has to be decoded. */
export function filmCard(get, seq) {
  const said = el('p', { role: 'status' })
  const button = el('button', { type: 'button', click: load }, 'Show the film')
  const card = el(
    'div',
    { class: 'card film' },
    el(
      'p',
      { class: 'soft' },
      'Every moment of source, own transcode and delivered picture. The first time it is decoded here, which takes seconds.',
    ),
    button,
    said,
  )
  async function load() {
    button.disabled = true
    said.textContent = 'Decoding…'
    try {
      const film = await get(`/samples/${seq}/film`)
      const picture = new Image()
      picture.src = `/api/v1/samples/${seq}/film.webp`
      await picture.decode()
      card.replaceChildren(...player(film, picture))
      card.querySelector('input')?.focus()
    } catch (error) {
      said.textContent = `No film: ${error.message}`
      button.disabled = false
    }
  }
  return card
}

function player({ tile, columns, frames }, picture) {
  const shown = columns.includes('source') && columns.includes('claimed') ? [...columns, 'difference'] : columns
  const canvases = Object.fromEntries(
    shown.map((name) => [name, el('canvas', { width: tile.width, height: tile.height, role: 'img', 'aria-label': NAMES[name] })]),
  )
  const figures = shown.map((name) => el('figure', {}, canvases[name], el('figcaption', {}, NAMES[name])))
  const where = el('output', { class: 'where' })
  const last = frames.length - 1
  const range = el('input', {
    type: 'range',
    min: 0,
    max: last,
    value: 0,
    step: 1,
    'aria-label': 'Moment',
    input: () => show(Number(range.value)),
  })
  const marked = frames.flatMap(({ isMarked }, i) => (isMarked ? [i] : []))
  let at = 0
  let timer

  function show(index) {
    at = index
    range.value = String(at)
    const { frame, atMs, isMarked } = frames[at]
    const text = `Frame ${frame}${atMs === null ? '' : `, ${(atMs / 1000).toFixed(2)} s`}${isMarked ? ', one of the worst' : ''}`
    range.setAttribute('aria-valuetext', text)
    where.textContent = text
    where.classList.toggle('fail', isMarked)
    columns.forEach((name, row) => {
      const area = [at * tile.width, row * tile.height, tile.width, tile.height]
      canvases[name].getContext('2d', { willReadFrequently: true }).drawImage(picture, ...area, 0, 0, tile.width, tile.height)
    })
    if (canvases.difference) drawDifference(canvases, tile)
  }
  function stop() {
    clearTimeout(timer)
    timer = undefined
    play.textContent = 'Play'
  }
  function step() {
    if (!play.isConnected) return stop()
    show(at === last ? 0 : at + 1)
    const [now, next] = [frames[at]?.atMs, frames[at + 1]?.atMs]
    timer = setTimeout(step, now === null || next === null || next === undefined ? 4 * STEP_MS : Math.max(STEP_MS, next - now))
  }
  const play = el('button', { type: 'button', click: () => (timer === undefined ? start() : stop()) }, 'Play')
  function start() {
    play.textContent = 'Pause'
    step()
  }
  const worst = el('button', { type: 'button', click: nextWorst }, 'Next worst frame')
  function nextWorst() {
    stop()
    show(marked.find((index) => index > at) ?? marked[0])
  }
  const ticks = el(
    'div',
    { class: 'ticks', 'aria-hidden': 'true' },
    ...frames.map(({ isMarked }) => el('i', isMarked ? { class: 'worst' } : {})),
  )
  show(marked[0] ?? 0)
  return [
    el('div', { class: 'screens' }, ...figures),
    el('div', { class: 'scrub' }, range, ticks),
    el('p', { class: 'controls' }, play, marked.length > 0 ? worst : undefined, where),
  ]
}

function drawDifference({ source, claimed, difference }, { width, height }) {
  const read = (canvas) => canvas.getContext('2d', { willReadFrequently: true }).getImageData(0, 0, width, height)
  const [a, b] = [read(source), read(claimed)]
  for (let i = 0; i < a.data.length; i++) if (i % 4 !== 3) a.data[i] = Math.abs(a.data[i] - b.data[i]) * GAIN
  difference.getContext('2d').putImageData(a, 0, 0)
}
