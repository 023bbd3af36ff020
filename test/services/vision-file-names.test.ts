import { expect, it } from 'vitest';
import { FileRoots } from '../../src/services/file-roots.js';
import { filesNamedIn, locateNamed } from '../../src/services/named-files.js';

const firstReadings = (task: string) => filesNamedIn(task).map(({ readings }) => readings[0]);

it.each([
  ['Extract text from invoice.pdf', ['invoice.pdf']],
  ['Extract text from invoice.pdf.', ['invoice.pdf']],
  ['Read (scans/letter.PNG), please', ['scans/letter.PNG']],
  ['What is in invoice.pdf?', ['invoice.pdf']],
  ["What is invoice.pdf's total?", ['invoice.pdf']],
  ['OCR "my scan 1.pdf"', ['my scan 1.pdf']],
  ['OCR `./a/b.tif`', ['./a/b.tif']],
  ['Extract text from ../../secret.txt', ['../../secret.txt']],
  ['Extract text from ~/Documents/a.pdf', ['~/Documents/a.pdf']],
  ['Compare a.pdf and b.pdf and a.pdf', ['a.pdf', 'b.pdf']],
  ['Read C:\\scans\\a.png', ['C:\\scans\\a.png']],
  ['Read file:///tmp/a.pdf', ['file:///tmp/a.pdf']],
  ['Read https://example.com/a.pdf', []],
  ['Mail it to ada@example.org, e.g. at 2.5 p.m.', []],
  ['Extract text from this PDF', []],
  ['Say "hello there"', []],
])('filesNamedIn(%j)', (task, expected) => {
  expect(firstReadings(task)).toEqual(expected);
});

it('filesNamedIn() keeps longer readings of names with spaces behind the shortest', () => {
  expect(filesNamedIn('read the invoice march 7.pdf')[0]?.readings).toEqual([
    '7.pdf',
    'march 7.pdf',
    'invoice march 7.pdf',
    'the invoice march 7.pdf',
    'read the invoice march 7.pdf',
  ]);
});

it('filesNamedIn() reads a bounded part of a huge task', () => {
  const started = performance.now();
  expect(filesNamedIn(`"${'a.b/'.repeat(250_000)}`).length).toBeLessThanOrEqual(1);
  expect(performance.now() - started).toBeLessThan(250);
});

it('locateNamed() tells where a file of that name is', async () => {
  const roots = new FileRoots({ roots: ['examples'], maxFileBytes: 1_000_000 });
  const signal = new AbortController().signal;
  await expect(locateNamed(roots, { readings: ['letter.txt'] }, signal)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    facts: { similar: ['make/letter.txt'] },
  });
});
