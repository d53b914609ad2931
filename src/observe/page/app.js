import { el } from './dom.js'
import { VIEWS } from './views.js'

const main = document.querySelector('#main')
const live = document.querySelector('#live')
const button = document.querySelector('#theme')

class Refused extends Error {
  constructor(status, text) {
    super(text)
    this.status = status
  }
}

async function get(path) {
  const response = await fetch(`/api/v1${path}`)
  const body = await response.json()
  if (!response.ok) throw new Refused(response.status, body.detail)
  return body
}

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
    nodes = [
      error.status === 401 ? login() : el('p', { class: 'card empty', role: 'alert' }, `This cannot be shown: ${error.message}`),
    ]
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
    const response = await fetch('/api/v1/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: field.value }),
    })
    if (response.ok) start()
    else said.textContent = (await response.json()).detail
  }
  const label = el('label', { for: 'token' }, 'Token of this daemon (http.tokenFile) ')
  return el('form', { class: 'card', submit }, el('h1', {}, 'Sign in'), label, field, ' ', el('button', {}, 'Sign in'), said)
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme
  button.textContent = theme === 'dark' ? 'Light' : 'Dark'
  button.setAttribute('aria-label', `Use ${theme === 'dark' ? 'light' : 'dark'} colours`)
}

let events
function start() {
  events?.close()
  events = new EventSource('/api/v1/events')
  let size
  events.addEventListener('log', ({ data }) => {
    const state = JSON.parse(data)
    live.textContent = `Live · ${state.size} entries`
    const { view, id } = routeOf()
    const isBusy = main.contains(document.activeElement) && document.activeElement !== main
    if (size !== undefined && view.live && id === undefined && !isBusy) show(true)
    size = state.size
  })
  events.addEventListener('error', () => {
    live.textContent = 'Not connected'
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
