/** A PDF of one page with an invoice on it, as bytes. */
export function invoicePdf(number: string, customer: string, total: number): Uint8Array {
  const lines = [`Invoice ${number} for`, customer, `Total due ${total.toLocaleString('en', MONEY)} EUR`];
  const text = lines.map((line, at) => `BT /F1 12 Tf 50 ${780 - at * 20} Td (${line}) Tj ET`).join('\n');
  return new TextEncoder().encode(pdfOf(text));
}

const MONEY = { minimumFractionDigits: 2, maximumFractionDigits: 2 } as const;

/** The objects of a page with their table of offsets. All text is ASCII, so that characters are bytes. */
function pdfOf(content: string): string {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>',
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
  ];
  let pdf = '%PDF-1.4\n';
  const offsets = objects.map((object, at) => {
    const offset = pdf.length;
    pdf += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`;
  return `${pdf}${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${pdf.length}\n%%EOF\n`;
}
