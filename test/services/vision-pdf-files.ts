/** Small PDF files put together by hand. */

export interface PdfPage {
  /** Content stream operators. */
  readonly content: string;
  readonly rotate?: number;
  /** Entries and bytes of a picture named Im1. */
  readonly picture?: { readonly entries: string; readonly bytes: Uint8Array };
}

/** Content that paints Im1 over the whole page. */
export const PAINT_PICTURE = 'q 595 0 0 842 0 0 cm /Im1 Do Q';

/** A PDF with the given pages; text in it is set in Helvetica as /F1. */
export function pdfOf(pages: readonly PdfPage[]): Uint8Array {
  const bodies = new Map<number, Buffer>();
  const kids = pages.map((_page, at) => `${4 + at * 3} 0 R`).join(' ');
  bodies.set(1, Buffer.from('<< /Type /Catalog /Pages 2 0 R >>'));
  bodies.set(2, Buffer.from(`<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`));
  bodies.set(3, Buffer.from('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'));
  pages.forEach(({ content, rotate = 0, picture }, at) => {
    const id = 4 + at * 3;
    const resources = `<< /Font << /F1 3 0 R >> /XObject << /Im1 ${id + 2} 0 R >> >>`;
    bodies.set(
      id,
      Buffer.from(
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Rotate ${rotate} /Resources ${resources} /Contents ${id + 1} 0 R >>`,
      ),
    );
    bodies.set(id + 1, stream('', Buffer.from(content)));
    bodies.set(id + 2, stream(picture?.entries ?? '', picture?.bytes ?? new Uint8Array()));
  });
  return assemble(bodies);
}

function stream(entries: string, bytes: Uint8Array): Buffer {
  const head = `<< ${entries} /Length ${bytes.byteLength} >>\nstream\n`;
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from('\nendstream')]);
}

function assemble(bodies: ReadonlyMap<number, Buffer>): Uint8Array {
  let file = Buffer.from('%PDF-1.4\n');
  const offsets: number[] = [];
  for (const [id, body] of bodies) {
    offsets.push(file.length);
    file = Buffer.concat([file, Buffer.from(`${id} 0 obj\n`), body, Buffer.from('\nendobj\n')]);
  }
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = bodies.size + 1;
  const tail = `xref\n0 ${size}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  return new Uint8Array(Buffer.concat([file, Buffer.from(tail)]));
}
