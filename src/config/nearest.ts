/** The name that somebody may have meant; undefined where none is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(name.length / 3))
  const plain = name.slice(0, 100).toLowerCase()
  const ranked = names.map((other) => ({ other, steps: distance(plain, other.toLowerCase()) })).sort((a, b) => a.steps - b.steps)
  const best = ranked[0]
  return best && best.steps <= limit ? best.other : undefined
}

/** Letters to change, put in, leave out or swap with their neighbour. */
function distance(a: string, b: string): number {
  let [older, old]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const at = (list: readonly number[], index: number) => list[index] ?? 0
      const changed = at(old, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(older, j - 2) + 1 : changed
      row.push(Math.min(at(old, j) + 1, at(row, j - 1) + 1, changed, swapped))
    }
    ;[older, old] = [old, row]
  }
  return old[b.length] ?? 0
}
