import * as z from 'zod';

/** A whole number of at least 1, or `Infinity`. */
export const wholeLimit = () => orInfinity(z.number().int().min(1), 'a whole number of at least 1');

/** A number above 0, or `Infinity`. */
export const positiveLimit = () => orInfinity(z.number().positive(), 'a number above 0');

/** zod itself says of a union only that the value is wrong. */
function orInfinity<S extends z.ZodNumber>(schema: S, rule: string) {
  return z.union([schema, z.literal(Number.POSITIVE_INFINITY)], {
    error: ({ input }) => `expected ${rule}, or Infinity, not ${shown(input)}`,
  });
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
