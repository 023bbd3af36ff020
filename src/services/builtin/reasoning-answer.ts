/** How an answer was found. */
export type ReasoningMethod = 'arithmetic' | 'units' | 'equations' | 'puzzle' | 'argument' | 'smtlib';

/**
 * Arithmetic and units: `exact`, `rounded`. Equations and puzzles: `unique`, `all n` (every one of n solutions is
 * listed), `none`, `not unique` (too many to list; none is shown as if it were the answer), `unknown` (the solver's
 * time ran out). Arguments: `follows`, `does not follow`, `premises contradict`. SMT-LIB: `sat`, `unsat`, `unknown`.
 */
export type ReasoningStatus =
  | 'exact'
  | 'rounded'
  | 'unique'
  | `all ${number}`
  | 'none'
  | 'not unique'
  | 'unknown'
  | 'follows'
  | 'does not follow'
  | 'premises contradict'
  | 'sat'
  | 'unsat';

/** A number, or its digits where a number would lose some: "18446744073709551616", "1/3". */
export type ReasoningNumber = number | string;

/** What `reasoning` returns; plain data that survives JSON. */
export interface ReasoningAnswer {
  readonly method: ReasoningMethod;
  /** The task as it was understood, so that the reader can tell whether it is what was meant. */
  readonly formal: string;
  readonly status: ReasoningStatus;
  /**
   * Arithmetic: a number, or nested arrays of them; units: `{ value, unit }`; one solution: `{ x: 23, y: 12 }`; several:
   * an array of such objects; arguments: `{ follows, counterexample }`; otherwise null.
   */
  readonly result: unknown;
}

/** Work for the worker: plain data. */
export type ReasoningJob =
  | { readonly kind: 'arithmetic'; readonly expression: string }
  | {
      readonly kind: 'equations';
      readonly equations: readonly string[];
      readonly unknowns: readonly string[];
    }
  | { readonly kind: 'puzzle'; readonly equation: string }
  | { readonly kind: 'smtlib'; readonly smtlib: string };
