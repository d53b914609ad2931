/** How programs are installed on a system; other systems than these two know their own ways. */
export function install(platform: string, apt: string, brew = apt): string {
  return platform === 'darwin' ? `brew install ${brew}` : `sudo apt-get install ${apt}`
}

const AGAIN = 'then: fisherman doctor --refresh'

/** What a device's own words call for; the first that fits. */
const CURES: readonly (readonly [symptom: RegExp, cure: string])[] = [
  [/no permission to use \/dev\/dri/, `sudo usermod -aG render,video "$USER", log in again, ${AGAIN}`],
  [/no permission to use \/dev\/nvidia/, `give this user the NVIDIA devices (in a container: --gpus all), ${AGAIN}`],
  [
    /libcuda|libnvcuvid|libnvidia-encode|nvcuda/i,
    `install the NVIDIA driver (in a container: --gpus all and NVIDIA_DRIVER_CAPABILITIES=compute,video,utility), ${AGAIN}`,
  ],
  [/driver does not support|minimum required nvidia driver/i, `update the NVIDIA driver, ${AGAIN}`],
  [/MFX session/i, `sudo apt-get install libmfx1 libmfx-gen1.2 intel-media-va-driver, ${AGAIN}`],
  [/VAAPI|libva|VA display/i, `sudo apt-get install mesa-va-drivers intel-media-va-driver, ${AGAIN}`],
  [/built without (libx26|cuda|vaapi|qsv|videotoolbox|h264|hevc)/, `install an ffmpeg that has it (Debian's does), ${AGAIN}`],
  [/no scaler/, `install an ffmpeg that has it (Debian's does), ${AGAIN}`],
]

export function cureFor(why: string): string {
  return CURES.find(([symptom]) => symptom.test(why))?.[1] ?? `update the driver, ${AGAIN}`
}
