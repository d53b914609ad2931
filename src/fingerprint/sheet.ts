import sharp, { type OverlayOptions } from 'sharp'

/** One row of a contact sheet: rgb24 tiles of one size; undefined where there is no picture. */
export interface SheetRow {
  caption: string
  source?: Uint8Array
  control?: Uint8Array
  claimed?: Uint8Array
}

export interface Sheet {
  title: string
  verdict: 'pass' | 'fail' | 'inconclusive'
  faultClass?: string | undefined
  lines: readonly string[]
  rows: readonly SheetRow[]
  tile: { width: number; height: number }
}

const MARGIN = 28
const GAP = 12
const CAPTION = 30
const LINE = 26
/** Differences are shown this many times as strong: one grey level in eight is easily seen. */
const AMPLIFY = 6
const COLOURS = { pass: '#16a34a', fail: '#dc2626', inconclusive: '#d97706' } as const
const FONT = 'DejaVu Sans, Noto Sans, Liberation Sans, Arial, Helvetica, sans-serif'

/** Control characters have no place in XML, and paths may hold any. */
function xml(text: string): string {
  return [...text]
    .map((c) => ((c.codePointAt(0) ?? 0) < 32 ? ' ' : c))
    .join('')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

/** Black where two pictures agree, through red to yellow and white where they do not. */
export function differenceOf(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length)
  for (let i = 0; i + 2 < a.length; i += 3) {
    let sum = 0
    for (let c = 0; c < 3; c++) sum += Math.abs((a[i + c] ?? 0) - (b[i + c] ?? 0))
    const heat = Math.min(765, sum * AMPLIFY)
    out[i] = Math.min(255, heat)
    out[i + 1] = Math.min(255, Math.max(0, heat - 255))
    out[i + 2] = Math.max(0, heat - 510)
  }
  return out
}

const text = (x: number, y: number, size: number, colour: string, content: string, extra = ''): string =>
  `<text x="${x}" y="${y}" font-family="${FONT}" font-size="${size}" fill="${colour}" ${extra}>${xml(content)}</text>`

/** A picture for people: what the source shows, what honest work makes of it, what was delivered, and where they differ. */
export async function drawSheet(sheet: Sheet, path: string): Promise<void> {
  const { width, height } = sheet.tile
  const columns = ['source', 'our control', 'claimed rendition', `difference x${AMPLIFY}`]
  const total = MARGIN * 2 + columns.length * width + (columns.length - 1) * GAP
  // A character of this font is 0.56 of its size wide on average; longer lines are cut rather than run out of the picture.
  const cut = (line: string, size: number): string => {
    const most = Math.floor((total - 2 * MARGIN) / (size * 0.56))
    return line.length > most ? `${line.slice(0, most - 1)}…` : line
  }
  const head = 92 + sheet.lines.length * LINE + 44
  const rowHeight = height + CAPTION + GAP
  const full = head + Math.max(1, sheet.rows.length) * rowHeight + MARGIN
  const badge = sheet.faultClass ? `${sheet.verdict.toUpperCase()}  ${sheet.faultClass}` : sheet.verdict.toUpperCase()
  const badgeWidth = badge.length * 15 + 32
  const parts = [
    `<rect x="${MARGIN}" y="24" width="${badgeWidth}" height="40" rx="8" fill="${COLOURS[sheet.verdict]}"/>`,
    text(MARGIN + badgeWidth / 2, 52, 22, '#ffffff', badge, 'font-weight="bold" text-anchor="middle"'),
    text(MARGIN + badgeWidth + 18, 52, 22, '#f9fafb', cut(sheet.title, 25)),
    ...sheet.lines.map((line, i) => text(MARGIN, 98 + i * LINE, 17, '#d1d5db', cut(line, 17))),
    ...columns.map((name, i) => text(MARGIN + i * (width + GAP), head - 12, 17, '#93c5fd', name, 'font-weight="bold"')),
  ]
  const tiles: OverlayOptions[] = []
  sheet.rows.forEach((row, r) => {
    const top = head + r * rowHeight
    const difference = row.source && row.claimed ? differenceOf(row.source, row.claimed) : undefined
    for (const [c, picture] of [row.source, row.control, row.claimed, difference].entries()) {
      const left = MARGIN + c * (width + GAP)
      parts.push(
        `<rect x="${left - 1}" y="${top - 1}" width="${width + 2}" height="${height + 2}" fill="#1f2937" stroke="#374151"/>`,
      )
      if (picture) tiles.push({ input: Buffer.from(picture), raw: { width, height, channels: 3 }, left, top })
      else parts.push(text(left + width / 2, top + height / 2, 16, '#9ca3af', 'no picture', 'text-anchor="middle"'))
    }
    parts.push(text(MARGIN, top + height + 21, 15, '#9ca3af', cut(row.caption, 15)))
  })
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${total}" height="${full}"><rect width="100%" height="100%" fill="#111827"/>${parts.join('')}</svg>`
  await sharp(Buffer.from(svg)).composite(tiles).png().toFile(path)
}

/** Whether this machine can draw letters: without a font every one of them is the same box, or nothing. */
export async function canDrawText(): Promise<boolean> {
  const draw = async (letter: string): Promise<Buffer> =>
    await sharp(
      Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">${text(4, 30, 28, '#000000', letter)}</svg>`),
    )
      .raw()
      .toBuffer()
  const [i, w, none] = await Promise.all([draw('i'), draw('W'), draw(' ')])
  return !i.equals(w) && !w.equals(none) && !i.equals(none)
}
