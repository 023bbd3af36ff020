/**
 * A table of one line a row: columns are aligned and as wide as their longest cell, the line is cut to the width. Line
 * ends inside a cell become spaces.
 *
 * @param widest - Most characters of each column; a longer cell is cut. Default: no limit.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
  widest: readonly number[] = [],
): string {
  const lines = [head, ...rows].map((cells) =>
    cells.map((cell, index) => cutToWidth(onOneLine(cell), widest[index] ?? Number.POSITIVE_INFINITY)),
  );
  const widths = head.map((_, index) => Math.max(...lines.map((cells) => [...(cells[index] ?? '')].length)));
  return lines.map((cells) => cutToWidth(alignCells(cells, widths), columns)).join('\n');
}

/** Cuts a line to a width in characters; a cut line ends in "…". */
export function cutToWidth(line: string, columns: number): string {
  const characters = [...line.trimEnd()];
  return characters.length <= columns ? characters.join('') : `${characters.slice(0, columns - 1).join('')}…`;
}

/**
 * A text without line ends, tabs and runs of spaces. Control characters go, as a result may hold escape sequences, and so
 * do marks that turn the direction of writing: they would show the rest of the line backwards.
 */
export function onOneLine(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, '')
    .trim();
}

function alignCells(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, index) => cell + ' '.repeat(Math.max(0, (widths[index] ?? 0) - [...cell].length)))
    .join('  ');
}
