// @ts-nocheck
// node add-exif.mjs IN.jpg OUT.jpg: puts a small EXIF block (camera, time, description) into a JPEG.
import { readFileSync, writeFileSync } from 'node:fs';

const [, , source, target] = process.argv;
const jpeg = readFileSync(source);

// Little-endian TIFF: IFD0 with ASCII entries and a pointer to the EXIF IFD, which holds the time of the photo.
const ifd0 = [
  [0x010e, 'A receipt on a table'],
  [0x010f, 'Example'],
  [0x0110, 'Pocket Camera 1'],
];
const exif = [[0x9003, '2024:06:07 08:45:10']];
const sizeOf = (count) => 2 + count * 12 + 4;
const exifAt = 8 + sizeOf(ifd0.length + 1);
let valuesAt = exifAt + sizeOf(exif.length);
const values = [];

function entry([tag, value]) {
  const bytes = Buffer.from(`${value}\0`, 'latin1');
  const head = Buffer.alloc(12);
  head.writeUInt16LE(tag, 0);
  head.writeUInt16LE(2, 2);
  head.writeUInt32LE(bytes.length, 4);
  head.writeUInt32LE(valuesAt, 8);
  values.push(bytes);
  valuesAt += bytes.length;
  return head;
}

function directory(entries) {
  const count = Buffer.alloc(2);
  count.writeUInt16LE(entries.length, 0);
  return Buffer.concat([count, ...entries, Buffer.alloc(4)]);
}

const pointer = Buffer.alloc(12);
pointer.writeUInt16LE(0x8769, 0);
pointer.writeUInt16LE(4, 2);
pointer.writeUInt32LE(1, 4);
pointer.writeUInt32LE(exifAt, 8);
const header = Buffer.from('49492a0008000000', 'hex');
const directories = [directory([...ifd0.map(entry), pointer]), directory(exif.map(entry))];
const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), header, ...directories, ...values]);
const segment = Buffer.alloc(4);
segment.writeUInt16BE(0xffe1, 0);
segment.writeUInt16BE(body.length + 2, 2);
writeFileSync(target, Buffer.concat([jpeg.subarray(0, 2), segment, body, jpeg.subarray(2)]));
