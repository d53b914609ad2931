/** A worst value and the rendition frame that shows it. */
export interface Peak {
  value: number
  frame: number
}

/** What two tracks of planes look like beside each other; `verdict` judges from this alone. */
export interface Features {
  /** Frames compared, and frames of each track. */
  frames: number
  sourceFrames: number
  /** RMSE in grey levels of 64x36 luma, one a rendition frame, best of the neighbours in time. */
  rmse: Float64Array
  /** 1 - SSIM of 64x36 luma, one a frame; NaN where the source picture has too little structure (PDQ quality < 10). */
  ssimLoss: Float64Array
  /** Worst cell of the time-averaged error, divided by 2 + gradient / 4; how many frames show it alone. */
  cell: Peak
  /** Frames in which that worst cell alone has at least so much error, sorted falling: the n-th is the line that n+1 frames break. */
  cellByFrame: Float64Array
  /** Mean over frames of the RMSE of U plus that of V, in levels. */
  chromaMean: number
  chromaByFrame: Float64Array
  /** How much of the source's colour is gone: 1 minus the gain of U and V about grey; undefined where the source is grey. */
  colourLoss?: number | undefined
  colourByFrame: Float64Array
  /** Worst cell of time-averaged |dU| + |dV|. */
  chromaCell: Peak
  chromaCellByFrame: Float64Array
  /** Frames in which the source moves, and how many of those stand still in the rendition. */
  moving: number
  frozen: number
  /** First frozen frame, or -1. */
  frozenAt: number
  /** How much better another offset in time (2..8 frames) fits than the right one; 1 is no better. */
  shiftGain: number
  shiftFrames: number
  /** Mean RMSE over all frames. */
  meanRmse: number
}

/** What the source itself has to offer to a comparison. */
export interface ContentFacts {
  /** Median PDQ quality 0..100 of the source's frames. */
  quality: number
  /** Median standard deviation of luma, in levels. */
  contrast: number
  /** Pairs of frames, at most 16 apart, that differ by a level or more. */
  moving: number
  /** Largest RMSE between the first frame and any other. */
  excursion: number
}

/** 8x8 DCT of sampled full pictures: for each frame and band 0..7 the mean product of coefficients, frame after frame. */
export interface DetailSeries {
  /** Rendition frame numbers. */
  frames: number[]
  /** Source with itself, rendition with itself, and the two with each other. */
  source: Float64Array
  own: Float64Array
  cross: Float64Array
  /** The same products by tile (4x4) and band, means over all sampled frames, tile after tile. */
  tiles: { source: Float64Array; own: Float64Array; cross: Float64Array }
}

/** Coded packets of a rendition and of its source, for the reuse test of later segments. */
export interface PacketSet {
  rendition: readonly PacketLook[]
  source: readonly PacketLook[]
}

export interface PacketLook {
  /** 16 bytes of SHA-256 over the coded slices, hex. */
  hash: string
  bytes: number
  /** 16x9 luma of the source at that moment, base64; empty where unknown. */
  look: string
}
