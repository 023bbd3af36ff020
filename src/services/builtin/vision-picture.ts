/** What can be told of a picture without a model: its format, size in pixels and camera facts. */

import { importOptional } from '../optional-package.js';

/** Formats that are recognised by their first bytes. See {@link isReadableFormat}. */
export type PictureFormat = 'png' | 'jpeg' | 'gif' | 'bmp' | 'webp' | 'tiff' | 'pnm' | 'heic' | 'svg';

export interface PictureFacts {
  readonly format: PictureFormat;
  /** In pixels as stored, before any EXIF turn; null when the header does not tell. */
  readonly width: number | null;
  readonly height: number | null;
  readonly sizeBytes: number;
  /** Camera, time and place as the file states them; null when it states nothing. */
  readonly exif: Readonly<Record<string, string | number>> | null;
}

const EXIF_TAGS = [
  'Make',
  'Model',
  'LensModel',
  'Software',
  'ImageDescription',
  'DateTimeOriginal',
  'Orientation',
  'ExposureTime',
  'FNumber',
  'ISO',
  'FocalLength',
  'GPSLatitude',
  'GPSLongitude',
  'GPSLatitudeRef',
  'GPSLongitudeRef',
];

/** Magic number, comments, width, height. A text may begin with "P1", but not go on like this. */
const PNM_HEADER = /^P[1-6]\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s/;

/**
 * What the recogniser reads. BMP it takes only through a detour that needs a hundred times the memory of the file;
 * HEIC and SVG it does not know.
 */
export function isReadableFormat(format: PictureFormat): boolean {
  return format !== 'bmp' && format !== 'heic' && format !== 'svg';
}

/** The format by the first bytes, whatever the name says; null when it is no picture. */
export function pictureFormatOf(bytes: Uint8Array): PictureFormat | null {
  const head = Buffer.from(bytes.subarray(0, 512)).toString('latin1');
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (/^GIF8[79]a/.test(head)) return 'gif';
  if (/^BM[\s\S]{4}\0{4}/.test(head)) return 'bmp';
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return 'webp';
  if (head.startsWith('II*\0') || head.startsWith('MM\0*')) return 'tiff';
  if (PNM_HEADER.test(head)) return 'pnm';
  if (/^ftyp(?:hei|hev|mif1|avif)/.test(head.slice(4, 12))) return 'heic';
  if (/^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)?<svg[\s>]/i.test(head)) return 'svg';
  return null;
}

/** Reads format, size and camera facts. Never throws for a broken file: what cannot be read is null. */
export async function pictureFactsOf(bytes: Uint8Array, format: PictureFormat): Promise<PictureFacts> {
  const [width, height] = sizeOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), format);
  return { format, width, height, sizeBytes: bytes.byteLength, exif: await exifOf(bytes) };
}

type Size = readonly [width: number | null, height: number | null];

const UNKNOWN_SIZE: Size = [null, null];

function sizeOf(bytes: Buffer, format: PictureFormat): Size {
  try {
    switch (format) {
      case 'png':
        return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
      case 'gif':
        return [bytes.readUInt16LE(6), bytes.readUInt16LE(8)];
      case 'bmp':
        // The height is negative when the rows run from top to bottom.
        return [bytes.readInt32LE(18), Math.abs(bytes.readInt32LE(22))];
      case 'jpeg':
        return jpegSizeOf(bytes);
      case 'webp':
        return webpSizeOf(bytes);
      case 'tiff':
        return tiffSizeOf(bytes);
      case 'pnm': {
        const numbers = PNM_HEADER.exec(bytes.toString('latin1', 0, 512));
        return numbers === null ? UNKNOWN_SIZE : [Number(numbers[1]), Number(numbers[2])];
      }
      default:
        return UNKNOWN_SIZE;
    }
  } catch (error) {
    // The header is cut off: reading past the end of a Buffer is a RangeError.
    if (error instanceof RangeError) return UNKNOWN_SIZE;
    throw error;
  }
}

/** The frame header is the first segment SOF0 to SOF15; C4, C8 and CC are tables. */
function jpegSizeOf(bytes: Buffer): Size {
  let at = 2;
  while (bytes.readUInt8(at) === 0xff) {
    const marker = bytes.readUInt8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return [bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5)];
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return UNKNOWN_SIZE;
}

function webpSizeOf(bytes: Buffer): Size {
  const chunk = bytes.toString('latin1', 12, 16);
  if (chunk === 'VP8X') return [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1];
  if (chunk === 'VP8 ') return [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff];
  if (chunk !== 'VP8L') return UNKNOWN_SIZE;
  const bits = bytes.readUInt32LE(21);
  return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
}

/** Width and height are the entries 256 and 257 of the first directory, of two or four bytes. */
function tiffSizeOf(bytes: Buffer): Size {
  const isLittle = bytes[0] === 0x49;
  const u16 = (at: number) => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const u32 = (at: number) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const directory = u32(4);
  const size: [number | null, number | null] = [null, null];
  for (let entry = directory + 2, left = u16(directory); left > 0; left--, entry += 12) {
    const side = u16(entry) - 256;
    if (side === 0 || side === 1) size[side] = u16(entry + 2) === 3 ? u16(entry + 8) : u32(entry + 8);
  }
  return size;
}

async function exifOf(bytes: Uint8Array): Promise<PictureFacts['exif']> {
  const tags = await exifTagsOf(bytes);
  const facts: Record<string, string | number> = {};
  for (const [tag, value] of Object.entries(tags)) {
    if (typeof value === 'number') facts[tag] = value;
    else if (typeof value === 'string')
      facts[tag] = tag.startsWith('DateTime') ? isoTime(value) : value.slice(0, 500);
  }
  return Object.keys(facts).length === 0 ? null : facts;
}

async function exifTagsOf(bytes: Uint8Array): Promise<Readonly<Record<string, unknown>>> {
  try {
    const { default: exifr } = await importOptional('exifr', () => import('exifr'));
    const options = { pick: EXIF_TAGS, reviveValues: false, translateValues: false };
    const tags: unknown = await exifr.parse(bytes, options);
    return typeof tags === 'object' && tags !== null ? { ...tags } : {};
  } catch {
    // Camera facts are an extra: without the package, or with a broken block, the picture itself still counts.
    return {};
  }
}

/** EXIF times are "2024:06:07 08:45:10", without a zone. */
function isoTime(value: string): string {
  return value.replace(/^(\d{4}):(\d{2}):(\d{2}) /, '$1-$2-$3T');
}
