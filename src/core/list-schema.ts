import * as z from 'zod';

/** A list that callers may give as a constant (`as const`); what is parsed is a list of its own. */
export function listOf<S extends z.ZodType>(element: S): z.ZodType<z.output<S>[], readonly z.input<S>[]> {
  return z.array(element) as z.ZodType<z.output<S>[], z.input<S>[]> as never;
}
