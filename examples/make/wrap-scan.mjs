// @ts-nocheck
// node wrap-scan.mjs IN.jpg OUT.pdf: puts one grey JPEG on one A4 page, with no text layer, as a scanner does.
import { readFileSync, writeFileSync } from 'node:fs';

const [, , source, target] = process.argv;
const jpeg = readFileSync(source);
const { width, height } = frameOf(jpeg);
const content = 'q 595 0 0 842 0 0 cm /Im1 Do Q';
const objects = [
  '<< /Type /Catalog /Pages 2 0 R >>',
  '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
  '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /XObject << /Im1 4 0 R >> >> /Contents 5 0 R >>',
  `<< /Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode /Length ${jpeg.length} >>\nstream\n${jpeg.toString('latin1')}\nendstream`,
  `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
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
file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${xref}\n%%EOF\n`;
writeFileSync(target, file, 'latin1');

function frameOf(bytes) {
  let at = 2;
  while (bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    if (marker >= 0xc0 && marker <= 0xc2) {
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    }
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  throw new Error(`${source} is not a JPEG file`);
}
