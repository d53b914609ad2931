import type { HardwareName, VideoCodec } from './types.ts'

/** Goes up with every change of what is tried or how: older reports are then worth nothing. */
export const TABLE_VERSION = 1

/** Names of the device that is opened once a process. */
const DEVICE = 'hw'
/** Pictures that filter and encoder may hold at once: pools of VAAPI and QSV do not grow. */
const SPARE = 'extra_hw_frames=8'

export interface Scaler {
  /** Name in `-filters`. */
  filter: string
  /** True where it works on pictures in memory. */
  soft: boolean
  graph(width: number, height: number): string
}

/** One way of this program to use one kind of hardware. */
export interface Backend {
  name: HardwareName
  /** Name in `-hwaccels`. */
  accel: string
  /** Pixel format of a picture that stays on the device. */
  surface: string
  /** The one system that has it, in the words of `process.platform`; undefined for all. */
  system?: 'darwin'
  /** Device files on Linux, which a sandbox must let through; a `*` stands for any letters. */
  devices: readonly string[]
  /** Each render node is a device of its own, and not each one can do the work. */
  perNode: boolean
  /** Opens the device; once a process, in front of the first input. */
  open(node: string | undefined): string[]
  /** Decoders of its own, where `-hwaccel` does not reach the usual ones. */
  decoders: Partial<Record<VideoCodec, string>>
  encoders: Partial<Record<VideoCodec, string>>
  /** Best first. */
  scalers: readonly Scaler[]
  /** Filter that brings a picture in memory to the device. */
  upload: string
  /** Its encoder takes pictures on the device only. */
  encodesOnDevice: boolean
  /** Without its encoder it is no use under this name: `cuda-decode` is the name for that. */
  needsEncoder: boolean
}

const onDevice = (filter: string, options: (width: number, height: number) => string): Scaler => ({
  filter,
  soft: false,
  graph: (width, height) => `${filter}=${options(width, height)}`,
})

/** For builds without a scaler for the device. */
const IN_MEMORY: Scaler = {
  filter: 'scale',
  soft: true,
  graph: (width, height) => `scale=${width}:${height}:flags=bicubic+accurate_rnd+bitexact`,
}

const CUDA = {
  accel: 'cuda',
  surface: 'cuda',
  // The last one is the door to the card in a Linux that runs inside Windows.
  devices: ['/dev/nvidia*', '/dev/dxg'],
  perNode: false,
  open: () => ['-init_hw_device', `cuda=${DEVICE}`],
  decoders: {},
  // As go-livepeer scales where the build has it; the other is in every free build.
  scalers: [
    onDevice('scale_npp', (w, h) => `w=${w}:h=${h}:interp_algo=super`),
    onDevice('scale_cuda', (w, h) => `w=${w}:h=${h}:interp_algo=bicubic`),
    IN_MEMORY,
  ],
  upload: 'hwupload',
  encodesOnDevice: false,
} satisfies Partial<Backend>

/** In the order of choice. */
export const BACKENDS: readonly Backend[] = [
  { ...CUDA, name: 'cuda-nvenc', encoders: { h264: 'h264_nvenc', hevc: 'hevc_nvenc' }, needsEncoder: true },
  { ...CUDA, name: 'cuda-decode', encoders: {}, scalers: [], needsEncoder: false },
  {
    name: 'vaapi',
    accel: 'vaapi',
    surface: 'vaapi',
    devices: ['/dev/dri/renderD*'],
    perNode: true,
    open: (node) => ['-init_hw_device', node ? `vaapi=${DEVICE}:${node}` : `vaapi=${DEVICE}`],
    decoders: {},
    encoders: { h264: 'h264_vaapi', hevc: 'hevc_vaapi' },
    scalers: [onDevice('scale_vaapi', (w, h) => `w=${w}:h=${h}:mode=hq:format=nv12:${SPARE}`), IN_MEMORY],
    upload: `hwupload=${SPARE}`,
    encodesOnDevice: true,
    needsEncoder: false,
  },
  {
    name: 'qsv',
    accel: 'qsv',
    surface: 'qsv',
    devices: ['/dev/dri/renderD*'],
    perNode: true,
    open: (node) =>
      node
        ? ['-init_hw_device', `vaapi=va:${node}`, '-init_hw_device', `qsv=${DEVICE}@va`]
        : ['-init_hw_device', `qsv=${DEVICE}`],
    decoders: { h264: 'h264_qsv', hevc: 'hevc_qsv' },
    encoders: { h264: 'h264_qsv', hevc: 'hevc_qsv' },
    scalers: [
      onDevice('vpp_qsv', (w, h) => `w=${w}:h=${h}:format=nv12:${SPARE}`),
      onDevice('scale_qsv', (w, h) => `w=${w}:h=${h}:format=nv12:${SPARE}`),
      IN_MEMORY,
    ],
    upload: `hwupload=${SPARE}`,
    encodesOnDevice: false,
    needsEncoder: false,
  },
  {
    name: 'videotoolbox',
    accel: 'videotoolbox',
    surface: 'videotoolbox_vld',
    system: 'darwin',
    devices: [],
    perNode: false,
    open: () => ['-init_hw_device', `videotoolbox=${DEVICE}`],
    decoders: {},
    encoders: { h264: 'h264_videotoolbox', hevc: 'hevc_videotoolbox' },
    scalers: [onDevice('scale_vt', (w, h) => `w=${w}:h=${h}`), IN_MEMORY],
    upload: 'hwupload',
    encodesOnDevice: false,
    needsEncoder: false,
  },
]

export function backendOf(name: HardwareName): Backend {
  const found = BACKENDS.find((backend) => backend.name === name)
  if (!found) throw new Error(`no backend ${name}`)
  return found
}

/** Options of one input that the device decodes; its pictures stay there, so that a silent retreat to software cannot pass for hardware. */
export function decoderOptions(backend: Backend): string[] {
  return ['-hwaccel', backend.accel, '-hwaccel_device', DEVICE, '-hwaccel_output_format', backend.surface]
}

/** Makes the filters of a graph use the opened device. */
export const FILTER_DEVICE = ['-filter_hw_device', DEVICE]

/** What 8-bit 4:2:0 is on every device. */
export const DEVICE_FORMAT = 'nv12'
