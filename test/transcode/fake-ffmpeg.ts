import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Machine } from '../../src/transcode/hardware/devices.ts'
import { scratchFolder } from '../helpers/scratch.ts'

/** What the real ffmpeg prints, with our log level, where something is not as it should be. */
export const DRIVER_SAYS = {
  noCuda: [
    '[AVHWDeviceContext @ 0x55f0] [error] Cannot load libcuda.so.1',
    '[AVHWDeviceContext @ 0x55f0] [error] Could not dynamically load CUDA',
    '[error] Device creation failed: -1.',
    "[error] Failed to set value 'cuda=hw' for option 'init_hw_device': Operation not permitted",
    '[fatal] Error parsing global options: Operation not permitted',
  ],
  noNvenc: [
    '[info] Stream mapping:',
    '[h264_nvenc @ 0x5610] [fatal] No NVENC capable devices found',
    '[error] Error initializing output stream 0:0 -- Error while opening encoder for output stream #0:0 - maybe incorrect parameters such as bit_rate, rate, width or height',
    '[info] Conversion failed!',
  ],
  noVaapi: [
    '[AVHWDeviceContext @ 0x5577] [error] Failed to initialise VAAPI connection: -1 (unknown libva error).',
    '[error] Device creation failed: -5.',
    "[error] Failed to set value 'vaapi=hw:/dev/dri/renderD128' for option 'init_hw_device': Input/output error",
    '[fatal] Error parsing global options: Input/output error',
  ],
  noMfx: [
    '[h264_qsv @ 0x561f] [error] Error initializing an internal MFX session: unsupported (-3)',
    '[error] Error initializing output stream 0:0 -- Error while opening encoder for output stream #0:0 - maybe incorrect parameters such as bit_rate, rate, width or height',
    '[info] Conversion failed!',
  ],
} as const

/** How the device part of the fake behaves; read anew at each run, so that a card may break while a program runs. */
export type Mode =
  | 'good'
  | 'wrong-planes'
  | 'lost-frame'
  | 'hang'
  | 'crash'
  | 'silent-software'
  | 'full-range'
  | 'negative'
  | `says-${keyof typeof DRIVER_SAYS}`

export interface FakeInit {
  /** As `-hwaccels` lists them. */
  accels: readonly string[]
  encoders: readonly string[]
  decoders?: readonly string[]
  filters: readonly string[]
  /** With libx265, and so with a second self-test clip. */
  hevc?: boolean
}

/** Cards as their owners have them, and what an ffmpeg for them lists. */
export const CARDS = {
  nvidia: { accels: ['cuda'], encoders: ['h264_nvenc', 'hevc_nvenc'], filters: ['scale_cuda', 'hwupload', 'hwdownload'] },
  nvidiaNpp: {
    accels: ['cuda'],
    encoders: ['h264_nvenc', 'hevc_nvenc'],
    filters: ['scale_npp', 'scale_cuda', 'hwupload', 'hwdownload'],
  },
  vaapi: { accels: ['vaapi'], encoders: ['h264_vaapi', 'hevc_vaapi'], filters: ['scale_vaapi', 'hwupload', 'hwdownload'] },
  intel: {
    accels: ['qsv'],
    encoders: ['h264_qsv', 'hevc_qsv'],
    decoders: ['h264_qsv', 'hevc_qsv'],
    filters: ['vpp_qsv', 'scale_qsv', 'hwupload', 'hwdownload'],
  },
  apple: { accels: ['videotoolbox'], encoders: ['h264_videotoolbox', 'hevc_videotoolbox'], filters: ['hwupload', 'hwdownload'] },
} satisfies Record<string, FakeInit>

export interface FakeFfmpeg {
  path: string
  /** How device jobs that decode, and those that encode, end from now on. */
  set(decode: Mode, encode?: Mode): void
  /** Arguments of every run with a device since the last call, one list a run. */
  deviceRuns(): string[][]
}

/** Filters that every build has. */
const ALWAYS = ['scale', 'showinfo', 'select', 'extractplanes', 'sidedata', 'split', 'format', 'fps']
/** The self-test clip is the same each time: made once, and kept between runs. */
const CLIPS = join(tmpdir(), 'fisherman-test-clips')
const REAL = '/usr/bin/ffmpeg'
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/**
 * An executable that lists the hardware of `init` and hands its jobs to the real ffmpeg, those with a device with every option
 * that needs it left out or put into software's words.
 */
export function fakeFfmpeg(init: FakeInit): FakeFfmpeg {
  mkdirSync(CLIPS, { recursive: true })
  const folder = scratchFolder('fake')
  const [path, log, decodeMode, encodeMode] = ['ffmpeg', 'log', 'decode', 'encode'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ]
  const show = (flags: string, names: readonly string[]): string =>
    [...names, ...ALWAYS].map((name) => `echo ' ${flags} ${name}  x'`).join('; ')
  const encoders = ['libx264', ...(init.hevc ? ['libx265'] : []), ...init.encoders]
  const says = Object.entries(DRIVER_SAYS).map(
    ([name, lines]) => `    says-${name}) ${lines.map((line) => `echo ${quote(line)} >&2`).join('; ')}; exit 1 ;;`,
  )
  const sizes = ['scale_npp', 'scale_cuda', 'scale_vaapi', 'vpp_qsv', 'scale_qsv', 'scale_vt'].map(
    (name) => `s/${name}=w=\\([0-9]*\\):h=\\([0-9]*\\)[^],[]*/scale=\\1:\\2:flags=bicubic/g`,
  )
  const script = `#!/bin/sh
real=${REAL}
case "$*" in
  *-hwaccels) printf 'Hardware acceleration methods:\\n'; printf '%s\\n' ${init.accels.join(' ')}; exit 0 ;;
  -version) echo 'ffmpeg version 5.1.9 of a test'; exit 0 ;;
  *-encoders) ${show('V....D', encoders)}; exit 0 ;;
  *-decoders) ${show('V....D', init.decoders ?? [])}; exit 0 ;;
  *-filters) ${show('...', init.filters)}; exit 0 ;;
  *testsrc2*)
    for out in "$@"; do :; done
    memo=${quote(CLIPS)}/$(printf '%s' "$*" | sed 's|/[^ ]*/||g' | cksum | tr ' ' -)
    [ -f "$memo" ] || { "$real" "$@" && cp "$out" "$memo.$$" && mv "$memo.$$" "$memo"; }
    exec cp "$memo" "$out" ;;
  *-init_hw_device*) ;;
  *) exec "$real" "$@" ;;
esac
{ for a in "$@"; do printf '%s\\037' "$a"; done; printf '\\036'; } >> ${quote(log)}
mode=$(cat ${quote(decodeMode)})
case "$*" in *' -bf '*) mode=$(cat ${quote(encodeMode)}) ;; esac
run() {
  case "$1" in
    hang) exec sleep 600 ;;
    crash) kill -SEGV $$ ;;
${says.join('\n')}
  esac
}
run "$mode"
down='format=nv12,'
case "$mode" in
  wrong-planes) down='lutyuv=y=val+6,format=nv12,' ;;
  lost-frame) down='format=nv12,select=not(eq(n\\\\,5)),' ;;
  negative) down='negate,format=nv12,' ;;
  full-range) down='format=nv12,setparams=range=pc,' ;;
  silent-software) down='hwdownload,format=nv12,' ;;
esac
filter() {
  printf '%s' "$1" | sed -e "s/hwdownload,format=nv12,/$down/g" -e 's/,hwupload[^],[]*//g' ${sizes.map((s) => `-e '${s}'`).join(' ')}
}
after=0
n=$#
while [ $n -gt 0 ]; do
  a=$1; shift; n=$((n-1))
  case "$a" in
    -hwaccel|-hwaccel_device|-hwaccel_output_format|-init_hw_device|-filter_hw_device|-tier|-realtime|-allow_sw|-forced_idr)
      shift; n=$((n-1)); continue ;;
    -cq) a=-crf ;;
    constrained_baseline) a=baseline ;;
    h264_*) if [ $after = 1 ]; then set -- "$@" libx264; a=-threads; set -- "$@" "$a"; a=1; else a=h264; fi ;;
    hevc_*) if [ $after = 1 ]; then set -- "$@" libx265 -x265-params; a=pools=none:frame-threads=1:log-level=error; else a=hevc; fi ;;
    -filter_complex) after=1; set -- "$@" "$a"; a=$(filter "$1"; printf x); a=\${a%x}; shift; n=$((n-1))
      case "$mode/$a" in
        wrong-planes/*'[c0]') a="\${a%?c0?},lutyuv=y=val+6[c0]" ;;
        lost-frame/*'[c0]') a="\${a%?c0?},select=not(eq(n\\,5))[c0]" ;;
      esac ;;
  esac
  set -- "$@" "$a"
done
exec "$real" "$@"
`
  writeFileSync(path, script)
  chmodSync(path, 0o755)
  const set: FakeFfmpeg['set'] = (decode, encode = decode) => {
    writeFileSync(decodeMode, decode)
    writeFileSync(encodeMode, encode)
  }
  set('good')
  return {
    path,
    set,
    deviceRuns: () => {
      let text = ''
      try {
        text = readFileSync(log, 'utf8')
      } catch {}
      rmSync(log, { force: true })
      return text
        .split('\x1e')
        .filter(Boolean)
        .map((run) => run.split('\x1f').slice(0, -1))
    },
  }
}

/** A machine that shows these device files; those in `forbidden` may not be opened. */
export function machineWith(nodes: readonly string[], forbidden: readonly string[] = [], platform = 'linux'): Machine {
  return {
    platform,
    nodes: (patterns) => nodes.filter((node) => patterns.some((pattern) => node.startsWith(pattern.replace('*', '')))),
    mayUse: (node) => !forbidden.includes(node),
    driver: () => '',
  }
}
