import { expect, it, vi } from 'vitest';
import * as z from 'zod';
import { parseOrMisuse } from '../../src/core/config.js';
import { lazySchema } from '../../src/core/lazy-schema.js';

const build = () => z.strictObject({ x: z.number().default(1).describe('How far.') });

it('lazySchema() builds nothing before its schema is used, and then once', () => {
  const spy = vi.fn(build);
  const schema = lazySchema(spy);
  expect(spy).not.toHaveBeenCalled();

  schema.parse({});
  schema.safeParse({});
  void schema.shape.x;

  expect(spy).toHaveBeenCalledTimes(1);
  expect(schema.schema).toBe(schema.schema);
});

it('lazySchema() parses and refuses as its schema does', () => {
  const schema = lazySchema(build);

  for (const value of [{}, { x: 1 }]) expect(schema.parse(value)).toEqual({ x: 1 });
  expect(schema.safeParse({ y: 1 }).error?.issues).toEqual(build().safeParse({ y: 1 }).error?.issues);
  expect(parseOrMisuse(schema, {}, 'point')).toEqual({ x: 1 });
  expect(() => parseOrMisuse(schema, { y: 1 }, 'point')).toThrow(/point is not valid:.*"y"/s);
});

it('lazySchema() tries again when building fails', () => {
  const failing = vi.fn(build).mockImplementationOnce(() => {
    throw new Error('not yet');
  });
  const schema = lazySchema(failing);

  expect(() => schema.parse({})).toThrow('not yet');
  expect(schema.parse({})).toEqual({ x: 1 });
});

it('the schema of a lazySchema() keeps its description inside another', () => {
  const rate = lazySchema(() => z.number().describe('Per second.'));
  const schema = z.toJSONSchema(z.object({ rate: rate.schema }));

  expect(schema.properties?.rate).toMatchObject({ type: 'number', description: 'Per second.' });
});
