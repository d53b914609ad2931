import { BACKENDS } from './table.ts'
import type { Ability, BackendName, BackendReport, HardwareReport, VideoCodec, Want } from './types.ts'

export function abilityOf(report: HardwareReport, name: BackendName, codec: VideoCodec, want: Want): Ability | undefined {
  return report.backends.find((backend) => backend.name === name)?.[want][codec]
}

/** How many kinds of work a trial found good. */
export const trustedIn = (abilities: BackendReport[Want]): number =>
  Object.values(abilities).filter(({ state }) => state === 'trusted').length

const trusts = (backend: BackendReport | undefined, codec: VideoCodec, want: Want): boolean =>
  backend?.[want][codec].state === 'trusted'

/**
 * The best backend that a trial found good for a task: the preferred one, else the first of NVIDIA, VAAPI, QSV and VideoToolbox,
 * else software. A card that only decodes is chosen for that and leaves encoding to the next. `benched` backends, as
 * `name/want`, are passed over.
 */
export function chooseBackend(
  report: HardwareReport | undefined,
  codec: VideoCodec,
  want: Want,
  preference?: BackendName,
  benched: ReadonlySet<string> = new Set(),
): BackendName {
  if (preference === 'software') return 'software'
  const order = BACKENDS.map(({ name }) => name)
  const wanted = preference ? [preference, ...order] : order
  const found = wanted.find(
    (name) =>
      !benched.has(`${name}/${want}`) &&
      trusts(
        report?.backends.find((backend) => backend.name === name),
        codec,
        want,
      ),
  )
  return found ?? 'software'
}
