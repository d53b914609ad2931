import { FishermanError } from '../base/errors.ts'

/** Why a playlist is not followed; a word for counters. */
export type PlaylistFault =
  | 'playlist-size'
  | 'playlist-syntax'
  | 'playlist-encrypted'
  | 'playlist-byterange'
  | 'playlist-map'
  | 'playlist-variables'
  | 'playlist-delta'
  | 'playlist-ladder'
  | 'playlist-source'
  | 'playlist-rewritten'

export function playlistFault(code: PlaylistFault, message: string, line?: number): FishermanError {
  return new FishermanError({
    code,
    blame: 'theirs',
    message: line === undefined ? message : `line ${line} of the playlist: ${message}`,
  })
}
