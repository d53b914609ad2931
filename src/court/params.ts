/** Numbers of the court, each with its reason; one file, so that a change is one change. */
export interface CourtParams {
  /** Members drawn to look at an accusation before it is a case; small courts may only open, never convict. */
  escalationMembers: number
  /** Share of them that must agree, as a fraction: 5 of 7 keeps a third of framers from opening cases at will. */
  escalationShare: readonly [numerator: number, denominator: number]
  /** Votes that convict: more than this share of registered weight … */
  convictionShare: readonly [numerator: number, denominator: number]
  /** … and at least so many signers, so that one whale is no court. */
  convictionSigners: number
  /** Failing segments of one node that a voter must have replayed itself … */
  failingSegments: number
  /**
   * … of at least so many streams … Content that misleads our judge misleads it for a whole stream: one stream, or two that fell ill on one
   * day, convict nobody. The same four that raise the alarm of the evidence score.
   */
  failingStreams: number
  /** … completed at least this far apart, so that one hiccup of a GPU convicts nobody. Seconds. */
  segmentGapSeconds: number
  /** … and at most so far: an old mishap and a new one are no pattern. Seconds. */
  segmentWithinSeconds: number
  /** Fishermen whose bytes must be missing before a sample counts as withheld: one may have a network fault of its own. */
  withheldBy: number
  /** Receipts of one node that a call to replay makes us judge, at most: as many as convict, and as many for doubt. */
  replaysPerNode: number
  /** The same while no case is open: one, so that a fail of a member that cannot pay a bond is heard, and quality costs little. */
  replaysWithoutCase: number
}

export const PUBLIC_COURT: CourtParams = {
  escalationMembers: 7,
  escalationShare: [5, 7],
  convictionShare: [2, 3],
  convictionSigners: 3,
  failingSegments: 2,
  failingStreams: 4,
  segmentGapSeconds: 60,
  segmentWithinSeconds: 86_400,
  withheldBy: 3,
  replaysPerNode: 8,
  replaysWithoutCase: 1,
}

/** The local network shortens time, and lives so shortly that a node has one stream. */
export const LOCAL_COURT: CourtParams = { ...PUBLIC_COURT, segmentGapSeconds: 4, failingStreams: 1, replaysPerNode: 3 }
