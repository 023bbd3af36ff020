import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const names = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts') && !path.includes('node_modules'))
  .map((path) => readFileSync(join('test', path), 'utf8'))
  .join('\n');
const upTo = (letter: string, last: number): string[] =>
  Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);
const isNamed = (what: string, id: string): boolean => new RegExp(`['"\`]${what} ${id}\\b`).test(names);

it('every promise of the contract stands in the name of a test', () => {
  expect(upTo('C', 18).filter((id) => !isNamed('promise', id))).toEqual([]);
});

it('every fault of one process stands in the name of a test', () => {
  const ids = [
    ...upTo('S', 22),
    ...upTo('R', 10),
    ...upTo('Q', 13),
    ...upTo('M', 13),
    ...upTo('J', 9),
    'P3',
    'P8',
    'P4',
    'P5',
    'P6',
    'P7',
    'C2',
    'C7',
    'K1',
    'K2',
  ];
  expect(ids.filter((id) => !isNamed('fault', id))).toEqual([]);
});
