import { misuse, OrchestratorError } from '../core/errors.js';
import type { Service, ServiceContext } from '../core/service.js';
import { withArguments } from '../services/model-words.js';
import { RunningAttempts } from '../services/running-attempts.js';
import { splitServiceFields } from '../services/service-fields.js';
import { agentFailure } from './agent-failure.js';

/** Fields of a service, for an agent that becomes one. Routing finds it by its `description` and `keywords`. */
export interface AgentServiceOptions extends Omit<Service, 'execute' | 'close' | 'onProfileChange'> {
  /**
   * Whether the whole agent may run again after a failure half-way. Default false: frameworks try a failed call of a model
   * again by themselves, and an agent's tools may have done something already.
   */
  readonly idempotent?: boolean;
}

/** One attempt of an agent. */
export interface AgentAttempt {
  /** The task, with its kwargs behind it. */
  readonly prompt: string;
  readonly task: string;
  readonly context: ServiceContext;
  /** Of the attempt; also fires when the service is removed. */
  readonly signal: AbortSignal;
  /** Reports one more step, which is named. */
  readonly step: (label: string) => void;
}

/**
 * Makes a service of an agent.
 *
 * @param who - For its errors: `Agent "research"`.
 * @param run - Resolves with a plain value, and rejects with whatever the framework throws.
 * @throws TypeError for an option that is no field of a service.
 */
export function agentService(
  who: string,
  options: AgentServiceOptions,
  run: (attempt: AgentAttempt) => Promise<unknown>,
): Service {
  const { fields, own } = splitServiceFields(options);
  const [unknown] = Object.keys(own);
  if (unknown !== undefined) throw misuse(`The service of ${who} has no option "${unknown}".`);
  const running = new RunningAttempts();
  const mayRepeat = options.idempotent ?? false;
  return {
    description: `${who}.`,
    ...fields,
    execute: (task, context) =>
      running.run(context.signal, async (signal) => {
        signal.throwIfAborted();
        const step = stepsOf(context);
        try {
          const prompt = withArguments(task, context.kwargs);
          const value = await run({ prompt, task, context, signal, step });
          // Some frameworks resolve when they are aborted.
          signal.throwIfAborted();
          return value;
        } catch (cause) {
          if (signal.aborted) throw signal.reason;
          throw agentFailure(who, cause, mayRepeat);
        }
      }),
    close: () => running.close(),
  };
}

/** How many steps an agent will take nobody knows: each one covers a part of the way that is left. */
function stepsOf({ progress }: ServiceContext): (label: string) => void {
  let steps = 0;
  return (label) => {
    steps += 1;
    progress(steps / (steps + 3), label);
  };
}

/** The error of an agent that stopped to ask a person, whom a task has not got. */
export function needsPerson(who: string, asked: readonly string[]): OrchestratorError {
  const message = `${who} stopped to ask for a person's decision, which a task cannot give; let it decide by itself, or run it outside of gaffr.`;
  return new OrchestratorError('NEEDS_INPUT', message, { asked: asked.slice(0, 10) });
}
