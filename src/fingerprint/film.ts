import sharp from 'sharp'

/** Rows of rgb24 tiles of one size; undefined where there is no picture. */
export interface FilmStrip {
  tile: { width: number; height: number }
  rows: readonly (readonly (Uint8Array | undefined)[])[]
}

/** One WebP with every tile at its place; missing ones are dark. */
export async function drawFilm({ tile: { width, height }, rows }: FilmStrip, path: string): Promise<void> {
  const columns = Math.max(1, ...rows.map((row) => row.length))
  const all = Buffer.alloc(columns * width * Math.max(1, rows.length) * height * 3, 24)
  const stride = columns * width * 3
  rows.forEach((row, r) => {
    row.forEach((picture, c) => {
      if (!picture) return
      for (let y = 0; y < height; y++)
        all.set(picture.subarray(y * width * 3, (y + 1) * width * 3), (r * height + y) * stride + c * width * 3)
    })
  })
  await sharp(all, { raw: { width: columns * width, height: Math.max(1, rows.length) * height, channels: 3 } })
    .webp({ quality: 78, effort: 2 })
    .toFile(path)
}
