import { isBytes } from './bytes.js';

/**
 * Whether a value takes more than `limit` bytes, counted roughly as JSON would be (strings by length, buffers by
 * bytes). Stops as soon as it knows; cycles are counted once; values that cannot be read count nothing.
 */
export function isLargerThan(value: unknown, limit: number): boolean {
  return sizeUpTo(value, limit) > limit;
}

/** The bytes of a value, counted as {@link isLargerThan} does; counting ends once they are more than `limit`. */
export function sizeUpTo(value: unknown, limit: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  const seen = new Set<object>();
  const waiting: unknown[] = [value];
  let bytes = 0;
  while (waiting.length > 0 && bytes <= limit) {
    const item = waiting.pop();
    if (typeof item === 'string') bytes += item.length;
    else if (typeof item !== 'object' || item === null) bytes += 8;
    else if (!seen.has(item)) {
      seen.add(item);
      const bufferBytes = bufferSizeOf(item);
      bytes += bufferBytes ?? 2;
      if (bufferBytes !== null) continue;
      try {
        const parts = partsOf(item);
        // Holes of an array cost nothing before they are counted, and a character or two each in JSON.
        if (parts.length * 2 > limit - bytes) return bytes + parts.length * 2;
        for (const part of parts) waiting.push(part);
      } catch {
        // A proxy or a getter that throws.
      }
    }
  }
  return bytes;
}

/** The beginning of a value as text, for people: at most `length` characters. */
export function previewOf(value: unknown, length = 1024): string {
  try {
    const text = typeof value === 'string' ? value : isBytes(value) ? `${value.byteLength} bytes` : '';
    return text.slice(0, length);
  } catch {
    return '';
  }
}

/** Bytes of a buffer; null for anything else. */
function bufferSizeOf(item: object): number | null {
  try {
    return isBytes(item) ? item.byteLength : null;
  } catch {
    // A revoked proxy cannot even be asked what it is.
    return null;
  }
}

function partsOf(item: object): readonly unknown[] {
  if (Array.isArray(item)) return item;
  if (item instanceof Map) return [...item.keys(), ...item.values()];
  if (item instanceof Set) return [...item];
  return [...Object.keys(item), ...Object.values(item)];
}
