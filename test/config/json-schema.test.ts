import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { configJsonSchema } from '../../src/config/json-schema.js';

const published = JSON.parse(readFileSync('gaffr.schema.json', 'utf8'));

it('gaffr.schema.json is current; npm run schema writes it anew', () => {
  expect(published).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
});

it('is part of the package, under a path of its own', () => {
  const { files, exports } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(files).toContain('gaffr.schema.json');
  expect(exports['./gaffr.schema.json']).toBe('./gaffr.schema.json');
});

it('describes every field of the first two levels', () => {
  const fields = Object.entries<{ description?: string; properties?: object }>(published.properties);
  const all = fields.flatMap(([name, field]) => [
    [name, field] as const,
    ...Object.entries<{ description?: string }>((field.properties ?? {}) as Record<string, object>),
  ]);
  expect(all.filter(([, { description }]) => !description).map(([name]) => name)).toEqual([]);
});

it('accepts what the file accepts, references too, and refuses typos', () => {
  const schema = z.fromJSONSchema(published);
  const own = { kind: 'http', url: '${env:URL}', headers: { authorization: 'Bearer ${env:T}' } };
  expect(schema.safeParse({ $schema: './x', services: { own }, builtins: { chat: false } }).success).toBe(
    true,
  );
  expect(schema.safeParse({ services: { own: { ...own, keyword: ['x'] } } }).success).toBe(false);
  expect(schema.safeParse({ serivces: {} }).success).toBe(false);
});
