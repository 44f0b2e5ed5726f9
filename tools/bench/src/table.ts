/** Lines of columns: the first is aligned to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** An aim with whether it was met. Missing one is news for its reader, and no failure. */
export const aim = (text: string, met: boolean): string => `${met ? 'met    ' : 'not met'}  ${text}`
