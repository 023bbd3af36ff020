/** Where a text stands on its page. */

/** A rectangle from its top left corner. The unit is a pixel of the picture, or a point (1/72 inch) of a PDF page. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A text and where it stands. */
export interface TextBox {
  readonly text: string;
  /** 0 to 1; absent for a text layer, which is no reading. */
  readonly confidence?: number;
  readonly box: Box;
  /** Which picture of a scanned page the box belongs to, 1 for the first; absent where there is one only. */
  readonly picture?: number;
}

/** A line of text; its words are known where it was read from a picture. */
export interface TextLine extends TextBox {
  readonly words?: readonly TextBox[];
}

/** How exactly places are told: not at all, by line, or by line and word. */
export type BoxDetail = 'none' | 'lines' | 'words';

/** Lines that are told of one page. */
const MOST_LINES = 500;

/** The lines as detailed as wanted, as a field of a page; no field when none are wanted or known. */
export function linesField(
  lines: readonly TextLine[],
  detail: BoxDetail,
): { readonly lines?: readonly TextLine[] } {
  if (detail === 'none' || lines.length === 0) return {};
  const kept = lines.filter(({ text }) => text !== '').slice(0, MOST_LINES);
  if (detail === 'words') return { lines: kept };
  return { lines: kept.map(({ words: _words, ...line }) => line) };
}
