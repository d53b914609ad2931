// Sets up what is missing, and nothing else: node modules, ffmpeg, compiled contracts, the program, the demo's clip.
// No dependencies, so that it runs in a fresh clone. `--for demo|test` adds what those need; `--quiet` prints only what it does.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const at = (...parts) => join(root, ...parts)
const say = (text) => process.stderr.write(`set-up: ${text}\n`)

function stop(text) {
  process.stderr.write(`set-up stopped: ${text}\n`)
  process.exit(2)
}

function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20, ...options })
}

function node(script, ...args) {
  const { status } = run(process.execPath, [at(script), ...args], { stdio: ['ignore', 2, 2] })
  if (status !== 0) stop(`${script} failed; the lines above say why.`)
}

/** Hash over the content of files and folders: what a finished step was made from. */
function hashOf(...paths) {
  const hash = createHash('sha256')
  const visit = (path) => {
    if (!existsSync(path)) return
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name))
    else hash.update(path.slice(root.length)).update(readFileSync(path))
  }
  for (const path of paths) visit(at(path))
  return hash.digest('hex')
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  stop(`Node ${process.versions.node} is too old, 20.19 or newer is needed. Install it from your distribution or nodejs.org.`)
}

function installModules() {
  const stampFile = at('node_modules/.fisherman-setup')
  const stamp = `${hashOf('package-lock.json', 'package.json')} ${process.versions.modules} ${process.platform} ${process.arch}`
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  say('installing node modules (once, a minute or so)')
  // npm itself is called through node: a `npm` on the PATH may be a shell function or another version.
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, [process.env.npm_execpath]] : ['npm', []]
  const args = [...npm[1], 'install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const { status, error } = run(npm[0], args, { stdio: ['ignore', 2, 2] })
  if (error || status !== 0) stop('npm install failed; check the network and the lines above, then run `npm run setup` again.')
  linkProgram()
  writeFileSync(stampFile, stamp)
}

/** `npx fisherman` looks in node_modules/.bin first. */
function linkProgram() {
  const link = at('node_modules/.bin/fisherman')
  mkdirSync(at('node_modules/.bin'), { recursive: true })
  rmSync(link, { force: true })
  symlinkSync('../../bin/fisherman.mjs', link)
}

/** Reason why this ffmpeg will not do, or undefined. */
function ffmpegProblem() {
  const version = run('ffmpeg', ['-hide_banner', '-version'])
  if (version.error || version.status !== 0) return 'ffmpeg is not installed'
  const found = /^ffmpeg version n?(\d+)\.(\d+)/.exec(version.stdout)
  // Builds from git have no number; they are newer than any release that matters here.
  if (found && (Number(found[1]) < 5 || (Number(found[1]) === 5 && Number(found[2]) < 1)))
    return `ffmpeg ${found[1]}.${found[2]} is too old, 5.1 or newer is needed`
  if (!version.stdout.includes('--enable-libx264')) return 'this ffmpeg was built without libx264'
  if (run('ffprobe', ['-hide_banner', '-version']).status !== 0) return 'ffprobe is missing beside ffmpeg'
  return undefined
}

/** Installs packages where `problem` names one; stops with the command where that cannot be done. */
function aptInstall(problem, packages, byHand) {
  const found = problem()
  if (!found) return
  const apt = run('apt-get', ['--version']).status === 0
  const isRoot = process.getuid?.() === 0
  const sudo = !isRoot && run('sudo', ['-n', 'true']).status === 0
  const command = `${isRoot ? '' : 'sudo '}apt-get update && ${isRoot ? '' : 'sudo '}apt-get install -y --no-install-recommends ${packages}`
  if (!apt) stop(`${found}. ${byHand}, then run this again.`)
  if (!isRoot && !sudo) stop(`${found}. Type this, then run it again:\n  ${command}`)
  say(`${found}: installing it with apt-get`)
  const done = run('sh', ['-c', sudo ? command.replaceAll('sudo ', 'sudo -n ') : command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  const left = problem()
  if (done.status !== 0 || left)
    stop(
      `${left ?? 'apt-get failed'}. Type this to see why:\n  ${command}\n${(done.stderr ?? '').split('\n').slice(-6).join('\n')}`,
    )
}

function installFfmpeg() {
  if (!ffmpegProblem()) return
  aptInstall(ffmpegProblem, 'ffmpeg', 'Install ffmpeg 5.1 or newer with libx264 for your system')
  const sudo = process.getuid?.() !== 0
  // Locks media up; without it limits alone hold, so that it is no reason to stop.
  const locked = run('sh', ['-c', `${sudo ? 'sudo -n ' : ''}apt-get install -y --no-install-recommends bubblewrap`])
  if (locked.status !== 0) say('bubblewrap could not be installed: media will run under limits alone')
}

/** What checks alert rules: one program out of Debian's package, so that no service is installed. Without it one test is skipped. */
function unpackPromtool() {
  const tool = at('dist/tools/promtool')
  if (existsSync(tool) || run('promtool', ['--version']).status === 0 || run('dpkg-deb', ['--version']).status !== 0) return
  say('unpacking promtool, which checks the alert rules')
  const folder = at('dist/tools/unpack')
  mkdirSync(folder, { recursive: true })
  const done = run('sh', ['-c', 'apt-get download prometheus && dpkg-deb -x prometheus_*.deb .'], { cwd: folder })
  if (done.status === 0) renameSync(join(folder, 'usr/bin/promtool'), tool)
  else say('promtool could not be had: its test will be skipped')
  rmSync(folder, { recursive: true, force: true })
}

/** The page is tested in the browser of the distribution. */
function installChromium() {
  const problem = () => (run('chromium', ['--version']).status === 0 ? undefined : 'chromium is not installed')
  aptInstall(problem, 'chromium fonts-dejavu-core', 'Install Chromium for your system, so that `chromium` starts it')
}

/** Runs a step unless its inputs are those of its last finished run and its output is still there. */
function step(name, inputs, output, sentence, make) {
  const stampFile = at('dist', `.${name}`)
  const stamp = hashOf(...inputs)
  if (existsSync(at(output)) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  say(sentence)
  make()
  writeFileSync(stampFile, stamp)
}

function makeClip() {
  const part = at('dist/demo.part.mp4')
  node('scripts/clip.mjs', part)
  renameSync(part, at('dist/demo.mp4'))
}

const purpose = process.argv[process.argv.indexOf('--for') + 1]
checkNode()
installModules()
installFfmpeg()
if (purpose === 'test') installChromium()
mkdirSync(at('dist'), { recursive: true })
step(
  'contracts',
  ['proofs/contracts', 'scripts/contracts.mjs', 'package-lock.json'],
  'dist/contracts.json',
  'compiling the contracts',
  () => node('scripts/contracts.mjs'),
)
step(
  'program',
  ['src', 'proofs', 'scripts/build.mjs', 'scripts/bundle.mjs', 'scripts/package.mjs', 'package-lock.json', 'package.json'],
  'dist/app/main.js',
  'building the program',
  () => node('scripts/build.mjs'),
)
if (!existsSync(at('node_modules/.bin/fisherman'))) linkProgram()
if (purpose === 'demo' || purpose === 'test')
  step('clip', ['scripts/clip.mjs'], 'dist/demo.mp4', 'rendering the demo clip (once, half a minute or so)', makeClip)
if (purpose === 'test') unpackPromtool()
