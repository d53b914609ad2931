import { type DetailPair, detailOf } from '../fingerprint/detail.ts'
import { compare } from '../fingerprint/features.ts'
import { detailDrop, type Quality, qualityOf } from '../fingerprint/quality.ts'
import { type SourceTrack, trackOf } from '../fingerprint/track.ts'
import type { DecodedRendition } from '../transcode/types.ts'
import type { ControlFeatures } from '../verdict/types.ts'
import type { Look } from './types.ts'

/** A moment that is looked at closely: the rendition's frame, and the source's that is nearest to it in time. */
export interface Moment {
  own: number
  source: number
}

const NONE = new Uint8Array()

/** Measures one decoded track. */
export function lookAt(source: SourceTrack, own: DecodedRendition, moments: readonly Moment[]): Look {
  const features = compare(source, trackOf(own.planes))
  const { detail } = own
  const pairs = moments.flatMap((moment): DetailPair[] => {
    // A rendition that is a frame late is compared with what it shows, where that picture was sampled too.
    const shown = features.matched[moment.own] ?? moment.source
    const aligned = detail?.source.has(shown) === true
    const wanted = aligned ? shown : moment.source
    return detail?.source.has(wanted) && detail.own.has(moment.own)
      ? [
          {
            frame: moment.own,
            aligned,
            // Read when they are compared, one pair at a time: together they would be many.
            pictures: () => ({ source: detail.source.get(wanted) ?? NONE, own: detail.own.get(moment.own) ?? NONE }),
          },
        ]
      : []
  })
  return { features, detail: detail && pairs.length > 0 ? detailOf(pairs, detail.width, detail.height) : undefined }
}

/** A rendition beside our own re-transcodes of the same claim. */
export function against(own: Look, controls: readonly Look[]): { quality: Quality; controls: ControlFeatures[] } {
  return {
    quality: qualityOf(own.features, own.detail, controls),
    controls: controls.map(({ features, detail }) => ({ features, detail: detail && detailDrop(detail) })),
  }
}
