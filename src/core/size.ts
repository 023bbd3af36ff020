/**
 * Whether a value takes more than `limit` bytes, counted roughly as JSON would be (strings by length, buffers by
 * bytes). Stops as soon as it knows; cycles are counted once; values that cannot be read count nothing.
 */
export function isLargerThan(value: unknown, limit: number): boolean {
  const seen = new Set<object>();
  const waiting: unknown[] = [value];
  let bytes = 0;
  while (waiting.length > 0) {
    const item = waiting.pop();
    if (typeof item === 'string') bytes += item.length;
    else if (typeof item !== 'object' || item === null) bytes += 8;
    else if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) bytes += item.byteLength;
    else if (!seen.has(item)) {
      seen.add(item);
      bytes += 2;
      for (const part of partsOf(item)) waiting.push(part);
    }
    if (bytes > limit) return true;
  }
  return false;
}

/** The beginning of a value as text, for people: at most `length` characters. */
export function previewOf(value: unknown, length = 1024): string {
  try {
    const text =
      typeof value === 'string' ? value : ArrayBuffer.isView(value) ? `${value.byteLength} bytes` : '';
    return text.slice(0, length);
  } catch {
    return '';
  }
}

function partsOf(item: object): readonly unknown[] {
  try {
    if (Array.isArray(item)) return item;
    if (item instanceof Map) return [...item.keys(), ...item.values()];
    if (item instanceof Set) return [...item];
    return [...Object.keys(item), ...Object.values(item)];
  } catch {
    return [];
  }
}
