// @ts-nocheck
// Writes ../invoice.pdf: one A4 page with a text layer, put together by hand from PDF objects.
import { writeFileSync } from 'node:fs';

const RIGHT = 545;
const lines = [];

function text(x, y, size, value, font = 'F1') {
  const escaped = value.replace(/[\\()]/g, '\\$&');
  lines.push(`BT /${font} ${size} Tf 1 0 0 1 ${x} ${y} Tm (${escaped}) Tj ET`);
}

// Widths of Helvetica in thousandths of the font size: 556 but for these. Enough to align the right column.
function widthOf(value, size) {
  const widths = { '.': 278, ',': 278, ' ': 278, '-': 333, E: 667, U: 722, R: 722, M: 833, J: 500, P: 667, O: 778 };
  Object.assign(widths, { Q: 778, t: 300, i: 250, r: 360, A: 722, m: 880 });
  return ([...value].reduce((sum, char) => sum + (widths[char] ?? 556), 0) * size) / 1000;
}

function textRight(x, y, size, value, font) {
  text((x - widthOf(value, size)).toFixed(2), y, size, value, font);
}

function rule(y, x = 50) {
  lines.push(`0.6 w ${x} ${y} m ${RIGHT} ${y} l S`);
}

text(50, 785, 20, 'Alder & Quince Workshop', 'F2');
text(50, 767, 9, '14 Harbour Lane, 20457 Hamburg  |  accounts@alder-quince.example  |  VAT DE 811 000 117');
rule(757);
text(50, 715, 10, 'Northwind Reading Rooms');
text(50, 701, 10, 'Ms Ada Brennan');
text(50, 687, 10, '3 Mill Street');
text(50, 673, 10, '21073 Hamburg');
text(350, 715, 10, 'Invoice number', 'F2');
textRight(RIGHT, 715, 10, '2024-117');
text(350, 701, 10, 'Invoice date', 'F2');
textRight(RIGHT, 701, 10, '14 May 2024');
text(350, 687, 10, 'Due date', 'F2');
textRight(RIGHT, 687, 10, '13 June 2024');
text(350, 673, 10, 'Purchase order', 'F2');
textRight(RIGHT, 673, 10, 'PO-8841');
text(50, 630, 16, 'Invoice 2024-117', 'F2');

const columns = [330, 430, RIGHT];
text(50, 600, 10, 'Item', 'F2');
textRight(columns[0], 600, 10, 'Quantity', 'F2');
textRight(columns[1], 600, 10, 'Price', 'F2');
textRight(columns[2], 600, 10, 'Amount', 'F2');
rule(592);
const items = [
  ['Oak shelf, 180 cm', '4', '145.00', '580.00'],
  ['Reading lamp, brass', '3', '89.50', '268.50'],
  ['Shelf bracket, pair', '8', '12.00', '96.00'],
  ['Delivery and fitting', '1', '134.92', '134.92'],
];
items.forEach(([item, ...cells], row) => {
  const y = 575 - row * 18;
  text(50, y, 10, item);
  cells.forEach((cell, column) => {
    textRight(columns[column], y, 10, cell);
  });
});
rule(511);
text(350, 494, 10, 'Net amount');
textRight(RIGHT, 494, 10, '1,079.42');
text(350, 478, 10, 'VAT 19%');
textRight(RIGHT, 478, 10, '205.09');
rule(470, 350);
text(350, 453, 12, 'Total due', 'F2');
textRight(RIGHT, 453, 12, '1,284.50 EUR', 'F2');
text(50, 400, 10, 'Please pay the total within 30 days, naming the invoice number 2024-117.');
text(50, 386, 10, 'IBAN DE02 1203 0000 0000 2020 51  |  BIC BYLADEM1001');
text(50, 350, 10, 'Thank you for your order.');

const stream = lines.join('\n');
const objects = [
  '<< /Type /Catalog /Pages 2 0 R >>',
  '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
  '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R /F2 5 0 R >> >> /Contents 6 0 R >>',
  '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
  '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>',
  `<< /Length ${Buffer.byteLength(stream, 'latin1')} >>\nstream\n${stream}\nendstream`,
  '<< /Title (Invoice 2024-117) /Author (Alder & Quince Workshop) /CreationDate (D:20240514090000Z) >>',
];
let file = '%PDF-1.4\n%\xe2\xe3\xcf\xd3\n';
const offsets = objects.map((body, index) => {
  const offset = file.length;
  file += `${index + 1} 0 obj\n${body}\nendobj\n`;
  return offset;
});
const xref = file.length;
file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
file += offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /Info 7 0 R >>\nstartxref\n${xref}\n%%EOF\n`;
writeFileSync(new URL('../invoice.pdf', import.meta.url), file, 'latin1');
