/** The text that a PDF page holds as text, and where each of its lines stands. */

import type { TextLine } from './vision-boxes.js';

type Pdf = Awaited<ReturnType<typeof import('unpdf').getDocumentProxy>>;
type Page = Awaited<ReturnType<Pdf['getPage']>>;

/** Boxes are in points from the top left corner of the page as it is shown. */
export async function textLayerOf(
  page: Page,
): Promise<{ readonly text: string; readonly lines: readonly TextLine[] }> {
  const { items } = await page.getTextContent();
  const viewport = page.getViewport({ scale: 1 });
  const parts: string[] = [];
  const lines: TextLine[] = [];
  let line = emptyLine();
  for (const item of items) {
    if (!('str' in item)) continue;
    parts.push(item.hasEOL ? `${item.str}\n` : item.str);
    if (item.str.trim() !== '') {
      const [, , , , left = 0, bottom = 0] = item.transform as readonly number[];
      const corners = [
        viewport.convertToViewportPoint(left, bottom),
        viewport.convertToViewportPoint(left + item.width, bottom + item.height),
      ] as const;
      line.xs.push(corners[0][0], corners[1][0]);
      line.ys.push(corners[0][1], corners[1][1]);
    }
    line.text += item.str;
    if (item.hasEOL) {
      lines.push(...ended(line));
      line = emptyLine();
    }
  }
  return { text: parts.join('').trim(), lines: [...lines, ...ended(line)] };
}

interface OpenLine {
  text: string;
  readonly xs: number[];
  readonly ys: number[];
}

function emptyLine(): OpenLine {
  return { text: '', xs: [], ys: [] };
}

/** A line without a letter has no place. */
function ended({ text, xs, ys }: OpenLine): TextLine[] {
  if (xs.length === 0) return [];
  const tenth = (value: number): number => Math.round(value * 10) / 10;
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  const box = {
    x: tenth(x),
    y: tenth(y),
    width: tenth(Math.max(...xs) - x),
    height: tenth(Math.max(...ys) - y),
  };
  return [{ text: text.trim(), box }];
}
