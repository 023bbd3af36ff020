import type * as z from 'zod';
import type { OrchestratorPort } from '../../core/orchestrator-port.js';

/** What a tool gets beside its arguments. */
export interface ToolCall {
  readonly orchestrator: OrchestratorPort;
  /** Aborted when the caller cancels or goes away. */
  readonly signal: AbortSignal;
  /** Tells the caller how far the work is; `fraction` is 0 to 1. Never throws. Undefined when he does not ask. */
  readonly onProgress: ((fraction: number, message: string | undefined) => void) | undefined;
}

/** What a client may assume of a tool. Every hint is said, so that no client falls back to a guess. */
export interface ToolAnnotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** One tool, free of any SDK: schemas, one call of the orchestrator, and how its answer reads. */
export interface ToolDefinition<I extends z.ZodType, O extends z.ZodType> {
  /** At most 24 letters and digits: clients put their own prefix before it. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: I;
  readonly output: O;
  readonly annotations: ToolAnnotations;
  /** The work. The answer is plain JSON that fits `output`. */
  run(args: z.output<I>, call: ToolCall): Promise<z.output<O>>;
  /** A short text of the answer, for people and for models that see no structured content. */
  describe(answer: z.output<O>): string;
  /** Whether the answer is a failure. Default: never. */
  isFailure?(answer: z.output<O>): boolean;
}

/** A tool whose arguments and answer are checked by its schemas only. */
export type Tool = ToolDefinition<z.ZodType, z.ZodType<Record<string, unknown>>>;

/** Hints of the tools that do work: a service may do anything. */
export const DOES_WORK: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};

/** Hints of the tools that only look: clients call those concurrently. */
export const ONLY_LOOKS: ToolAnnotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

/** Checks a definition against its schemas and gives it the type of the table. */
export function defineTool<I extends z.ZodType, O extends z.ZodType<Record<string, unknown>>>(
  definition: ToolDefinition<I, O>,
): Tool {
  // The table parses the arguments by `input` before it calls `run`, which is what makes the wider type true.
  return definition as unknown as Tool;
}
