import type * as z from 'zod';

/** Fields of an object's schema; nothing for others. */
type ShapeOf<S> = S extends { readonly shape: infer Shape } ? Shape : never;

/** Zod compiles a parser at the first parse, which takes longer than the only parse of most schemas. */
const FIRST_PARSE = { jitless: true } as const;

/**
 * A schema that is built when it is first used, and once. Building schemas takes longer than loading the code around them,
 * and most of them are never used in a process: whoever imports this library should not wait for those.
 *
 * Inside other schemas stands its {@link schema}: Zod tells schemas apart by identity.
 */
export class LazySchema<S extends z.ZodType> {
  readonly #build: () => S;
  #schema: S | undefined;
  #hasParsed = false;

  constructor(build: () => S) {
    this.#build = build;
  }

  /** The schema itself. */
  get schema(): S {
    this.#schema ??= this.#build();
    return this.#schema;
  }

  /** The fields of an object's schema. */
  get shape(): ShapeOf<S> {
    return (this.schema as unknown as { readonly shape: ShapeOf<S> }).shape;
  }

  /** For `z.input` and `z.output`. */
  get _zod(): S['_zod'] {
    return this.schema._zod;
  }

  /** As that of the schema. @throws ZodError. */
  parse(value: unknown): z.output<S> {
    return this.schema.parse(value, this.#context());
  }

  /** As that of the schema. */
  safeParse(value: unknown): z.ZodSafeParseResult<z.output<S>> {
    return this.schema.safeParse(value, this.#context());
  }

  #context(): typeof FIRST_PARSE | undefined {
    if (this.#hasParsed) return undefined;
    this.#hasParsed = true;
    return FIRST_PARSE;
  }
}

/**
 * Declares a schema that is built when it is first used.
 *
 * @example const pointSchema = lazySchema(() => z.strictObject({ x: z.number(), y: z.number() }));
 */
export function lazySchema<S extends z.ZodType>(build: () => S): LazySchema<S> {
  return new LazySchema(build);
}
