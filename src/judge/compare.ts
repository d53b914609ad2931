import { detailOf } from '../fingerprint/detail.ts'
import { compare } from '../fingerprint/features.ts'
import { detailDrop, type Quality, qualityOf } from '../fingerprint/quality.ts'
import { type SourceTrack, trackOf } from '../fingerprint/track.ts'
import type { DecodedRendition } from '../transcode/types.ts'
import type { ControlFeatures } from '../verdict/types.ts'
import type { Look } from './types.ts'

/** Measures one decoded track; `numbers` are its sampled frames. */
export function lookAt(source: SourceTrack, own: DecodedRendition, numbers: readonly number[]): Look {
  const { detail } = own
  const pictures = detail && { own: present(detail.own), source: present(detail.source) }
  return {
    features: compare(source, trackOf(own.planes)),
    detail:
      detail && pictures?.own && pictures.source
        ? detailOf(pictures.source, pictures.own, detail.width, detail.height, numbers)
        : undefined,
  }
}

/** All pictures, or undefined where one is missing: half a sample would compare different moments. */
function present(pictures: readonly (Uint8Array | undefined)[]): Uint8Array[] | undefined {
  const known = pictures.filter((picture) => picture !== undefined)
  return known.length === pictures.length ? known : undefined
}

/** A rendition beside our own re-transcodes of the same claim. */
export function against(own: Look, controls: readonly Look[]): { quality: Quality; controls: ControlFeatures[] } {
  return {
    quality: qualityOf(own.features, own.detail, controls),
    controls: controls.map(({ features, detail }) => ({ features, detail: detail && detailDrop(detail) })),
  }
}
