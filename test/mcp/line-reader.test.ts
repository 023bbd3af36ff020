import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader } from '../../src/mcp/line-reader.js';

const MIB = 1024 * 1024;

function read(chunks: readonly Buffer[]): string[] {
  const lines: string[] = [];
  const reader = new LineReader((line) => lines.push(line));
  for (const chunk of chunks) reader.take(chunk);
  return lines;
}

describe('LineReader', () => {
  it('finds the same lines however the bytes are cut', () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\n'));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const chunks: Buffer[] = [];
        let from = 0;
        for (const length of cuts) {
          chunks.push(bytes.subarray(from, from + length));
          from += length;
        }
        expect(read([...chunks, bytes.subarray(from)])).toEqual(lines);
      }),
    );
  });

  it('keeps a line that comes byte by byte', () => {
    const bytes = Buffer.from(`${'ä'.repeat(2000)}\n`);
    expect(read(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(['ä'.repeat(2000)]);
  });

  it('fault C4 refuses a line above 10 MiB, whole or in pieces', () => {
    expect(() => read([Buffer.alloc(10 * MIB, 'x'), Buffer.from('x\n')])).toThrow('exceeded maximum size');
    expect(() => read([Buffer.concat([Buffer.alloc(10 * MIB + 1, 'x'), Buffer.from('\n')])])).toThrow(
      'exceeded maximum size',
    );
    expect(read([Buffer.alloc(10 * MIB, 'x'), Buffer.from('\n')])[0]).toHaveLength(10 * MIB);
  });
});
