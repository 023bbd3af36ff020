/**
 * From the words of a task to one tool call, by the first step that fits: kwargs, rules of the operator, the default
 * tool, words and typed values, a planner. If none does, the caller is told which tools there are.
 */

import { OrchestratorError } from '../../core/errors.js';
import type { ServiceContext } from '../../core/service.js';
import type { ToolPlanner } from '../tool-planner.js';
import type { RuledCall } from './call-rules.js';
import type { ArgumentCheck } from './check-arguments.js';
import { fillArguments } from './fill-arguments.js';
import { argumentsDoNotFit, needsArguments, offered, quarantined, unknownTool } from './mcp-errors.js';
import { type RankedTool, rankTools } from './rank-tools.js';
import type { DownstreamTool } from './tool-list.js';
import type { ToolSet } from './tool-set.js';

/** Which tools are called on the strength of the task's words alone. */
export type AutoSelect = 'off' | 'read-only' | 'all';

/** What planning needs of a service and its connection. */
export interface CallPlanning {
  readonly server: string;
  readonly tools: ToolSet;
  readonly check: ArgumentCheck;
  readonly rule: (task: string) => RuledCall | null;
  readonly defaultTool: string | undefined;
  readonly autoSelect: AutoSelect;
  readonly planner: ToolPlanner | undefined;
}

/** A call that may be made. */
export interface ToolCall {
  readonly tool: DownstreamTool;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** How much better than the second the best tool must be. */
const CLEAR_MARGIN = 1.15;
const SHOWN_TOOLS = 3;
/** Tools that a planner is shown: the best by their words. */
const PLANNED_TOOLS = 40;

/**
 * @throws OrchestratorError `NEEDS_ARGUMENTS` with the best tools and their schemas; `INVALID_INPUT` for an unknown tool
 * or arguments that do not fit; `SERVICE_UNAVAILABLE` for a quarantined tool; what the planner throws.
 */
export async function planCall(
  task: string,
  { kwargs, signal, log }: Pick<ServiceContext, 'kwargs' | 'signal' | 'log'>,
  planning: CallPlanning,
): Promise<ToolCall> {
  const explicit = fromKwargs(kwargs, planning);
  if (explicit !== null) return checked(explicit.tool, explicit.arguments, planning);

  const ruled = planning.rule(task);
  if (ruled !== null) return checked(ruled.tool, ruled.arguments, planning);

  const byDefault = fromDefaultTool(task, planning);
  if (byDefault !== null) return byDefault;

  const ranked = rankTools(task, planning.tools.callable);
  const selected = fromWords(task, ranked, planning);
  if (selected !== null) return selected;

  const candidates = ranked.map(({ tool }) => tool);
  if (planning.planner !== undefined && candidates.length > 0) {
    const planned = await planning.planner(task, candidates.slice(0, PLANNED_TOOLS).map(offered), signal);
    signal.throwIfAborted();
    if (planned !== null) return fromPlan(planned.tool, planned.arguments, planning);
    log.debug({ server: planning.server }, 'the planner found no tool for the task');
  }
  throw needsArguments(planning.server, whyNot(ranked, planning), candidates.slice(0, SHOWN_TOOLS));
}

/** Step 1. `{ tool, arguments }`; without `tool` the default one is meant. */
function fromKwargs(
  kwargs: ServiceContext['kwargs'],
  { server, defaultTool, tools }: CallPlanning,
): { readonly tool: string; readonly arguments: unknown } | null {
  const { tool, arguments: args } = kwargs;
  if (tool === undefined && args === undefined) return null;
  const name = tool ?? defaultTool;
  if (typeof name === 'string') return { tool: name, arguments: args ?? {} };
  if (tool === undefined) {
    throw needsArguments(
      server,
      'the kwargs have arguments but no tool',
      tools.callable.slice(0, SHOWN_TOOLS),
    );
  }
  throw unknownTool(server, JSON.stringify(tool) ?? '', namesOf(tools));
}

/** Step 3. The words are the one argument of the default tool. */
function fromDefaultTool(task: string, planning: CallPlanning): ToolCall | null {
  const { defaultTool } = planning;
  if (defaultTool === undefined) return null;
  const tool = named(defaultTool, planning);
  if (tool === undefined) return null;
  const { properties = {}, required = [] } = tool.definition.inputSchema;
  const [only] = required;
  const isText = (name: string): boolean =>
    (properties[name] as { type?: unknown } | undefined)?.type === 'string';
  if (only === undefined || required.length !== 1 || !isText(only)) return null;
  return checked(tool.name, { [only]: task }, planning);
}

/** Step 4. One tool is clearly the best, changes nothing, and every value of the task has its place in it. */
function fromWords(task: string, ranked: readonly RankedTool[], planning: CallPlanning): ToolCall | null {
  const { autoSelect, tools, check } = planning;
  const [best, second] = ranked;
  if (autoSelect === 'off' || best === undefined || best.score === 0) return null;
  if (second !== undefined && best.score <= CLEAR_MARGIN * second.score) return null;
  if (autoSelect === 'read-only' && !tools.isReadOnly(best.tool)) return null;
  const filled = fillArguments(best.tool, task);
  if (filled === null || check(best.tool, filled) !== null) return null;
  return { tool: best.tool, arguments: filled };
}

/** Step 5. A planner may name a tool that is none, or forget an argument: the caller can do better. */
function fromPlan(name: string, args: unknown, planning: CallPlanning): ToolCall {
  try {
    return checked(name, args, planning);
  } catch (error) {
    if (!(error instanceof OrchestratorError) || error.code !== 'INVALID_INPUT') throw error;
    const known = planning.tools.get(name);
    const tools = known === undefined ? planning.tools.callable.slice(0, SHOWN_TOOLS) : [known];
    throw needsArguments(planning.server, `its planner failed: ${error.message}`, tools);
  }
}

function checked(name: string, args: unknown, planning: CallPlanning): ToolCall {
  const { server, check, tools } = planning;
  const tool = named(name, planning);
  if (tool === undefined) throw unknownTool(server, name, namesOf(tools));
  if (typeof args !== 'object' || args === null || Array.isArray(args)) {
    throw argumentsDoNotFit(server, tool, 'they are no object');
  }
  const fault = check(tool, args as Record<string, unknown>);
  if (fault !== null) throw argumentsDoNotFit(server, tool, fault);
  return { tool, arguments: args as Record<string, unknown> };
}

/** @throws OrchestratorError for a tool in quarantine. */
function named(name: string, { server, tools }: CallPlanning): DownstreamTool | undefined {
  const why = tools.quarantined.get(name);
  if (why !== undefined) throw quarantined(server, name, why);
  return tools.get(name);
}

function whyNot(ranked: readonly RankedTool[], { tools, autoSelect }: CallPlanning): string {
  const [best, second] = ranked;
  if (best === undefined) {
    const names = [...tools.quarantined.keys()].join(', ');
    return names === '' ? 'it has none' : `all are quarantined until approved: ${names}`;
  }
  if (best.score === 0) return 'no tool shares a word with the task';
  if (autoSelect === 'off') return 'tools are not chosen by words here';
  if (second !== undefined && best.score <= CLEAR_MARGIN * second.score) {
    return `${best.tool.name} and ${second.tool.name} fit equally well`;
  }
  if (autoSelect === 'read-only' && !tools.isReadOnly(best.tool)) {
    return `${best.tool.name} fits best but is not marked read-only`;
  }
  return `the arguments of ${best.tool.name} do not follow from the words`;
}

function namesOf(tools: ToolSet): string[] {
  return tools.callable.map(({ name }) => name);
}
