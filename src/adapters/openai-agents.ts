import type { OrchestratorPort } from '../core/orchestrator-port.js';
import type { Service, ServiceContext } from '../core/service.js';
import { portableSchema } from '../mcp/tools/tool-table.js';
import { type AgentServiceOptions, agentService, needsPerson } from './agent-service.js';
import { type AgentToolName, type AgentToolsOptions, agentTools } from './agent-tools.js';

export type { AgentServiceOptions, AgentToolName, AgentToolsOptions };

/** A function tool in the shape of the OpenAI Agents SDK. */
export interface OpenAIAgentTool {
  type: 'function';
  name: string;
  description: string;
  /** False: free records of arguments cannot be said strictly. */
  strict: false;
  parameters: {
    type: 'object';
    properties: Record<string, object>;
    required: string[];
    additionalProperties: false;
  };
  /** Resolves with JSON. A task that failed, was cancelled, or had wrong arguments is an answer too. */
  invoke(context: unknown, input: string, details?: ToolCallDetails): Promise<string>;
  needsApproval(): Promise<boolean>;
  isEnabled(): Promise<boolean>;
}

interface ToolCallDetails {
  readonly signal?: AbortSignal | undefined;
  readonly toolCall?: { readonly callId: string } | undefined;
}

/**
 * The orchestrator's tools for agents of the OpenAI Agents SDK. The run's signal cancels the tasks of every call under
 * way. The SDK shows no progress of a tool.
 *
 * @throws TypeError for an unknown name in `tools`.
 * @example new Agent({ name: 'Lead', instructions, tools: openaiAgentTools(orchestrator) })
 */
export function openaiAgentTools(
  orchestrator: OrchestratorPort,
  options: AgentToolsOptions = {},
): OpenAIAgentTool[] {
  return agentTools(orchestrator, options).map(({ name, description, input, call }) => {
    const { properties, required } = portableSchema(input, 'input');
    return {
      type: 'function',
      name,
      description,
      strict: false,
      parameters: {
        type: 'object',
        properties: properties as Record<string, object>,
        required: (required as string[] | undefined) ?? [],
        additionalProperties: false,
      },
      async invoke(_context, text, details) {
        const given = parseArguments(text);
        const answer = await call(given, { signal: details?.signal, callId: details?.toolCall?.callId });
        return JSON.stringify(answer.value);
      },
      needsApproval: async () => false,
      isEnabled: async () => true,
    };
  });
}

/** The arguments; models write `null` for what they leave out. What is no JSON is refused by the tool. */
function parseArguments(text: string): unknown {
  let given: unknown;
  try {
    given = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    return text;
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

/** A `Runner` of the SDK, or `{ run }` with its function. */
export interface OpenAIRunner {
  // Methods, so that the SDK's own narrower types fit.
  run(agent: never, input: never, options: never): Promise<unknown>;
  on?(type: never, listener: never): unknown;
}

/** An `Agent` of the SDK. */
export interface OpenAIAgentLike {
  readonly name: string;
  readonly handoffDescription?: string;
}

/** Options of {@link fromOpenAIAgent}. */
export interface OpenAIAgentOptions extends AgentServiceOptions {
  /** What runs the agent: `new Runner()`. Without `on()` there is no progress. */
  readonly runner: OpenAIRunner;
  /** Most turns of the agent. Default: the SDK's. */
  readonly maxTurns?: number;
}

/** What a run's tools see as their context. */
export interface OpenAIRunContext {
  readonly taskId: string;
  readonly kwargs: ServiceContext['kwargs'];
}

/**
 * An agent of the OpenAI Agents SDK as a service, which answers its final output. The agent's tools find
 * `{ taskId, kwargs }` as the context of the run. Each tool and each hand-over is progress; the end of the attempt aborts
 * the run. An agent that stops for an approval is `NEEDS_INPUT`.
 *
 * @throws TypeError for an unknown option.
 * @example fromOpenAIAgent(agent, { runner: new Runner(), description: 'Answers questions about invoices' })
 */
export function fromOpenAIAgent(
  agent: OpenAIAgentLike,
  { runner, maxTurns, ...options }: OpenAIAgentOptions,
): Service {
  const steps = followRuns(runner);
  const { handoffDescription } = agent;
  const said = handoffDescription ? { description: handoffDescription, ...options } : options;
  const who = `Agent "${agent.name}"`;
  return agentService(who, said, async ({ prompt, context, signal, step }) => {
    const own: OpenAIRunContext = { taskId: context.taskId, kwargs: context.kwargs };
    steps.set(own, step);
    const run = runner.run as (agent: unknown, input: string, options: object) => Promise<unknown>;
    const result = (await run.call(runner, agent, prompt, {
      signal,
      context: own,
      ...(maxTurns !== undefined && { maxTurns }),
    })) as {
      readonly finalOutput?: unknown;
      readonly interruptions?: readonly { readonly name?: string }[];
    };
    // First: the SDK complains when the output of a run is read that has not ended.
    const approvals = (result.interruptions ?? []).map(({ name }) => `approval of ${name ?? 'a tool'}`);
    if (approvals.length > 0) throw needsPerson(who, approvals);
    return result.finalOutput ?? null;
  });
}

type Told = { readonly name?: unknown };

type Steps = WeakMap<object, (label: string) => void>;

const followed = new WeakMap<OpenAIRunner, Steps>();

/** Listens once to a runner, which tells of every run, and finds the run of a service by its context. */
function followRuns(runner: OpenAIRunner): Steps {
  const known = followed.get(runner);
  if (known !== undefined) return known;
  const steps: Steps = new WeakMap();
  followed.set(runner, steps);
  const on = runner.on as
    | ((type: string, listener: (run: { readonly context?: unknown }, from: Told, to: Told) => void) => void)
    | undefined;
  for (const type of ['agent_tool_start', 'agent_handoff']) {
    on?.call(runner, type, ({ context }, _from, { name }) => {
      if (typeof context === 'object' && context !== null) steps.get(context)?.(String(name));
    });
  }
  return steps;
}
