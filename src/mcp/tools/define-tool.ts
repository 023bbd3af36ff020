import type * as z from 'zod';
import type { LazySchema } from '../../core/lazy-schema.js';
import type { OrchestratorPort } from '../../core/orchestrator-port.js';
import type { Presence } from '../presence.js';
import type { RunEnd } from '../runs/run.js';
import type { RunHooks, RunStore } from '../runs/run-store.js';
import type { ToolAnswer } from '../tool-answer.js';

/** What a tool gets beside its arguments. */
export interface ToolCall {
  readonly orchestrator: OrchestratorPort;
  readonly runs: RunStore;
  /** Who calls; null: the one client of a connection over stdio. */
  readonly principal: string | null;
  readonly presence: Presence;
  /** Tells the caller how far the work is; `fraction` is 0 to 1. Never throws. Undefined when he does not ask. */
  readonly onProgress?: ((fraction: number, message: string | undefined) => void) | undefined;
  /** Longest wait for the end of a run, whatever the arguments say. Default: none. */
  readonly mostWaitSeconds?: number;
}

/** What a tool gets from a caller in this process, who waits for the end however long it takes. */
export interface DirectCall {
  readonly orchestrator: OrchestratorPort;
  /** Cancels the work. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ToolCall['onProgress'];
}

/** What a client may assume of a tool. Every hint is said, so that no client falls back to a guess. */
export interface ToolAnnotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** One tool, free of any SDK. */
export interface Tool {
  /** At most 24 letters and digits: clients put their own prefix before it. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: LazySchema<z.ZodType>;
  readonly output: LazySchema<z.ZodType<Record<string, unknown>>>;
  readonly annotations: ToolAnnotations;
  /** Whether a call starts a run, which may outlast it. */
  readonly startsRun: boolean;
  /** The answer; `args` have been parsed by `input`. Rejects with what the caller did wrong, and with faults of ours. */
  answer(args: unknown, call: ToolCall): Promise<ToolAnswer>;
  /** The work of a run with those arguments, parsed; absent where `startsRun` is false. */
  work?(args: object, context: WorkContext): Promise<RunEnd>;
}

/** A tool that can also be called without a run around its work. */
export interface DirectTool<I extends z.ZodType, O extends z.ZodType<Record<string, unknown>>> extends Tool {
  readonly input: LazySchema<I>;
  readonly output: LazySchema<O>;
  /** As {@link Tool.answer}, once the work has ended. */
  answerDirectly(args: unknown, call: DirectCall): Promise<ToolAnswer>;
}

type ToolFace<I extends z.ZodType, O extends z.ZodType> = Omit<
  Tool,
  'input' | 'output' | 'answer' | 'startsRun' | 'work'
> & {
  readonly input: LazySchema<I>;
  readonly output: LazySchema<O>;
};

/** A tool that answers at once: one call of the orchestrator, and how its answer reads. */
export interface ImmediateTool<I extends z.ZodType, O extends z.ZodType> extends ToolFace<I, O> {
  /** The answer is plain JSON that fits `output`. */
  run(args: z.output<I>, call: ToolCall): Promise<z.output<O>>;
  /** A short text of the answer, for people and for models that see no structured content. */
  describe(answer: z.output<O>): string;
}

/** A tool that only looks at the orchestrator. */
export interface LookingTool<I extends z.ZodType, O extends z.ZodType> extends ToolFace<I, O> {
  /** The answer is plain JSON that fits `output`. */
  run(args: z.output<I>, call: Pick<ToolCall, 'orchestrator'>): Promise<z.output<O>>;
  /** As that of {@link ImmediateTool}. */
  describe(answer: z.output<O>): string;
}

/** What ties work to its caller; id and address are null for work that is no run. */
export interface WorkHooks extends Pick<RunHooks, 'onProgress' | 'taskKey'> {
  readonly runId: string | null;
  readonly uri: string | null;
  readonly signal: AbortSignal | undefined;
}

/** What the work of a tool is given. */
export interface WorkContext {
  readonly orchestrator: OrchestratorPort;
  readonly principal: string | null;
  readonly hooks: WorkHooks;
}

/** Arguments that say how a call is made, not what is to be done. */
export interface RunArguments {
  readonly waitSeconds?: number | undefined;
  readonly idempotencyKey?: string | undefined;
}

/** A tool whose work may take long: it is a run, which the call waits for as long as the caller likes. */
export interface WorkingTool<I extends z.ZodType<RunArguments & object>, O extends z.ZodType>
  extends ToolFace<I, O> {
  /** The work, with every key in it scoped to the principal. */
  work(args: z.output<I>, context: WorkContext): Promise<RunEnd>;
}

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

// The table parses the arguments by `input` before it asks for an answer, which is what makes the casts below true.

/** Makes a tool of one that answers at once. */
export function defineTool<I extends z.ZodType, O extends z.ZodType<Record<string, unknown>>>(
  definition: ImmediateTool<I, O>,
): Tool {
  const { run, describe, ...face } = definition;
  return {
    ...face,
    startsRun: false,
    async answer(args, call) {
      const answer = await run(args as z.output<I>, call);
      return { text: describe(answer), structuredContent: answer, isError: false };
    },
  };
}

/** Makes a tool of one that only looks. */
export function defineLookingTool<I extends z.ZodType, O extends z.ZodType<Record<string, unknown>>>(
  definition: LookingTool<I, O>,
): DirectTool<I, O> {
  const tool = defineTool(definition);
  const { input, output } = definition;
  // What looks needs nothing of a call but the orchestrator.
  return { ...tool, input, output, answerDirectly: (args, call) => tool.answer(args, call as ToolCall) };
}

/** Makes a tool of one that works. */
export function defineWorkingTool<
  I extends z.ZodType<RunArguments & object>,
  O extends z.ZodType<Record<string, unknown>>,
>(definition: WorkingTool<I, O>): DirectTool<I, O> {
  const { work, ...face } = definition;
  return {
    ...face,
    startsRun: true,
    work: (args, context) => work(args as z.output<I> & RunArguments, context),
    async answerDirectly(args, { orchestrator, signal, onProgress = () => {} }) {
      const hooks: WorkHooks = { runId: null, uri: null, signal, onProgress, taskKey: () => undefined };
      return (await work(args as z.output<I>, { orchestrator, principal: null, hooks })).answer;
    },
    async answer(parsed, { orchestrator, runs, principal, presence, onProgress, mostWaitSeconds }) {
      const args = parsed as z.output<I> & RunArguments;
      const run = runs.start({
        toolName: face.name,
        principal,
        args,
        idempotencyKey: args.idempotencyKey,
        work: (hooks) => work(args, { orchestrator, principal, hooks }),
      });
      const waitSeconds = atMost(mostWaitSeconds, args.waitSeconds);
      return runs.answerOf(run, { waitSeconds, presence, onProgress });
    },
  };
}

function atMost(limit: number | undefined, wanted: number | undefined): number | undefined {
  return limit === undefined ? wanted : Math.min(limit, wanted ?? limit);
}
