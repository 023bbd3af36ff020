import { messageOf } from '../../core/errors.js';
import type { WatchedOrchestrator } from '../watched-orchestrator.js';

/** The answer to an order of the page. */
export interface OrderAnswer {
  readonly status: number;
  readonly body: object;
}

type Order = (orchestrator: WatchedOrchestrator, values: Readonly<Record<string, unknown>>) => object;

/** What an operator may order, by the last part of the address. What they throw is the operator's mistake. */
const ORDERS: Readonly<Record<string, Order>> = {
  pause: (orchestrator) => {
    orchestrator.pause();
    return {};
  },
  resume: (orchestrator) => {
    orchestrator.resume();
    return {};
  },
  'max-parallel': (orchestrator, { maxParallel }) => {
    orchestrator.setMaxParallel(maxParallel as number);
    return {};
  },
  cancel: (orchestrator, values) => ({
    isCancelled: orchestrator.cancel(textOf(values, 'taskId'), new Error('cancelled by an operator')),
  }),
  'reset-circuit': (orchestrator, values) => {
    orchestrator.resetCircuit(textOf(values, 'service'));
    return {};
  },
  run: (orchestrator, values) => {
    const service = values.service ? { service: textOf(values, 'service') } : {};
    return { taskId: orchestrator.submit(textOf(values, 'task'), service).taskId };
  },
};

/** Carries out an order; its values were sent as JSON. */
export function carryOut(orchestrator: WatchedOrchestrator, name: string, values: unknown): OrderAnswer {
  const order = Object.hasOwn(ORDERS, name) ? ORDERS[name] : undefined;
  if (order === undefined) return refusal(404, `There is no order "${name}".`);
  if (typeof values !== 'object' || values === null) return refusal(400, 'An order is a JSON object.');
  try {
    return { status: 200, body: order(orchestrator, values as Record<string, unknown>) };
  } catch (cause) {
    return refusal(400, messageOf(cause));
  }
}

function refusal(status: number, error: string): OrderAnswer {
  return { status, body: { error } };
}

function textOf(values: Readonly<Record<string, unknown>>, key: string): string {
  const value = values[key];
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new TypeError(`"${key}" must be a text that is not empty.`);
}
