// Everything that comes from outside becomes a text node: nothing of it is ever read as markup.

const SVG = 'http://www.w3.org/2000/svg'

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    if (typeof value === 'function') node.addEventListener(name, value)
    else if (value !== undefined && value !== null) node.setAttribute(name, value)
  node.append(...children.flat().filter((child) => child !== undefined && child !== null))
  return node
}

/** An element with attributes (functions become listeners) and children. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children)
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children)
}

/** A table that scrolls by itself on narrow screens; or, without rows, what to do about it. */
export function table(label, heads, rows, empty) {
  if (rows.length === 0) return el('p', { class: 'card empty' }, empty)
  const head = el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text)))
  const body = rows.map((cells) => el('tr', {}, ...cells.map((cell) => el('td', {}, cell))))
  return el(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label },
    el('table', {}, el('thead', {}, head), el('tbody', {}, ...body)),
  )
}

/** What went wrong, said at once by a screen reader, and how to go on. */
export function trouble(error, again) {
  const [does, words] = error.status === 401 ? [() => location.reload(), 'Sign in'] : [again, 'Try again']
  return el(
    'p',
    { class: 'card empty', role: 'alert' },
    `This cannot be shown: ${error.message} `,
    el('button', { type: 'button', click: does }, words),
  )
}

export function tiles(pairs) {
  return el(
    'dl',
    { class: 'tiles' },
    ...pairs.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, String(value)))),
  )
}

export function title(text, lead) {
  return [el('h1', {}, text), lead ? el('p', { class: 'lead' }, lead) : undefined]
}

/** An outcome by its word and colour: never by colour alone. */
export function outcome(word) {
  return el('span', { class: `word ${word}` }, word)
}

export function short(hash) {
  return el('code', { title: hash }, hash.length > 14 ? `${hash.slice(0, 8)}…${hash.slice(-4)}` : hash)
}

const SHORT = { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }

export function when(ms) {
  const date = new Date(ms)
  return el('time', { datetime: date.toISOString() }, date.toLocaleString(undefined, SHORT))
}

/** Of 10^18 units, to four digits; never nothing where there is something. */
export function coins(wei) {
  const value = Number(wei) / 1e18
  return value > 0 && value < 0.0001 ? '< 0.0001' : number(value)
}

export function number(value) {
  return String(Number(value.toPrecision(3)))
}
