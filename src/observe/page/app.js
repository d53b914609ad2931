import { el, trouble } from './dom.js'
import { VIEWS } from './views.js'

const main = document.querySelector('#main')
const live = document.querySelector('#live')
const sizeNow = document.querySelector('#size')
const button = document.querySelector('#theme')

class Refused extends Error {
  constructor(status, text) {
    super(text)
    this.status = status
  }
}

async function ask(path, init) {
  const response = await fetch(`/api/v1${path}`, init).catch(() => {
    throw new Refused(0, 'the daemon does not answer. `fisherman status` says whether it runs.')
  })
  if (response.status === 204) return undefined
  const body = await response.json().catch(() => ({ detail: `${response.status}, and no words that this page understands.` }))
  if (!response.ok) throw new Refused(response.status, body.detail)
  return body
}
const get = (path) => ask(path)

function routeOf() {
  const [, name = '', id] = location.hash.replace(/^#/, '').split('/')
  const view = Object.hasOwn(VIEWS, name) ? VIEWS[name] : VIEWS['']
  try {
    return { name, view, id: id === undefined ? undefined : decodeURIComponent(id) }
  } catch {
    return { name, view, id: '' }
  }
}

let turn = 0
async function show(isLive = false) {
  const mine = ++turn
  const { name, view, id } = routeOf()
  document.title = `${view.name} · Fisherman`
  for (const link of document.querySelectorAll('nav a'))
    if (link.getAttribute('href') === `#/${name}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  let nodes
  try {
    nodes = await (id !== undefined && view.one ? view.one(get, id) : view.list(get))
  } catch (error) {
    nodes = [error.status === 401 ? login() : trouble(error, () => show())]
  }
  // A later view was asked for meanwhile.
  if (mine !== turn) return
  main.replaceChildren(...nodes.filter(Boolean))
  main.dataset.view = location.hash
  if (!isLive) main.focus({ preventScroll: true })
}

function login() {
  const field = el('input', { type: 'password', id: 'token', autocomplete: 'current-password', required: '' })
  const said = el('p', { role: 'alert' })
  const submit = async (event) => {
    event.preventDefault()
    const body = JSON.stringify({ token: field.value })
    try {
      await ask('/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      start()
    } catch (error) {
      said.textContent = error.message
    }
  }
  const label = el('label', { for: 'token' }, 'Token of this daemon (http.tokenFile) ')
  return el('form', { class: 'card', submit }, el('h1', {}, 'Sign in'), label, field, ' ', el('button', {}, 'Sign in'), said)
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme
  button.textContent = theme === 'dark' ? 'Light' : 'Dark'
  button.setAttribute('aria-label', `Use ${theme === 'dark' ? 'light' : 'dark'} colours`)
}

/** The words are said by a screen reader, so they change with the link only; how long the log is, which changes each second, stands beside them. */
function tellLink(words, size) {
  if (live.textContent !== words) live.textContent = words
  sizeNow.textContent = size
}

let events
function start() {
  events?.close()
  events = new EventSource('/api/v1/events')
  let size
  events.addEventListener('log', ({ data }) => {
    const state = JSON.parse(data)
    tellLink('Connected', `· ${state.size} entries`)
    const { view, id } = routeOf()
    const isBusy = main.contains(document.activeElement) && document.activeElement !== main
    if (size !== undefined && view.live && id === undefined && !isBusy) show(true)
    size = state.size
  })
  events.addEventListener('error', () => {
    tellLink('Not connected', '')
  })
  show()
}

const dark = matchMedia('(prefers-color-scheme: dark)')
setTheme(localStorage.getItem('theme') ?? (dark.matches ? 'dark' : 'light'))
dark.addEventListener('change', () => localStorage.getItem('theme') ?? setTheme(dark.matches ? 'dark' : 'light'))
button.addEventListener('click', () => {
  const theme = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'
  localStorage.setItem('theme', theme)
  setTheme(theme)
})
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})
addEventListener('hashchange', () => show())
start()
