import type { Log } from '../core/environment.js';
import { extendContext } from '../core/extended-context.js';
import type { Redactor } from '../core/redactor.js';
import type { Service, ServiceContext } from '../core/service.js';

/**
 * The same service, with every secret taken out of what leaves it: results, errors, progress, log lines, and what it says
 * of itself. This is the one door through which the runtime, and so every event, history and answer, hears of it.
 */
export function redactedService(service: Service, redactor: Redactor): Service {
  const execute: Service['execute'] = (task, context) => {
    const outcome = callIt(() => service.execute(task, redactedContext(context, redactor)));
    return isAsyncIterable(outcome) ? redactedItems(outcome, redactor) : redactedOutcome(outcome, redactor);
  };
  // A service may learn later what it can do, so its fields are read when they are asked for.
  return new Proxy(service, {
    get(target, name) {
      if (name === 'execute') return execute;
      const field: unknown = Reflect.get(target, name, target);
      return typeof field === 'function' ? field.bind(target) : redactor.value(field);
    },
  });
}

/** One attempt without secrets: the same door for a service that learns its secrets when it starts. */
export function redactedAttempt(
  context: ServiceContext,
  redactor: Redactor,
  attempt: (context: ServiceContext) => Promise<unknown>,
): Promise<unknown> {
  return redactedOutcome(attempt(redactedContext(context, redactor)), redactor);
}

/** A log whose lines hold no secret. */
function redactedLog(log: Log, redactor: Redactor): Log {
  const clean =
    (level: keyof Log): Log[keyof Log] =>
    (facts, message) =>
      log[level](redactor.value(facts), redactor.text(message));
  return { debug: clean('debug'), info: clean('info'), warn: clean('warn'), error: clean('error') };
}

/** What it throws at once is an outcome like any other. */
function callIt(call: () => unknown): unknown {
  try {
    return call();
  } catch (cause) {
    return Promise.reject(cause);
  }
}

async function redactedOutcome(outcome: unknown, redactor: Redactor): Promise<unknown> {
  try {
    return redactor.value(await outcome);
  } catch (cause) {
    throw redactor.value(cause);
  }
}

async function* redactedItems(items: AsyncIterable<unknown>, redactor: Redactor): AsyncGenerator {
  try {
    for await (const item of items) yield redactor.value(item);
  } catch (cause) {
    throw redactor.value(cause);
  }
}

function redactedContext(context: ServiceContext, redactor: Redactor): ServiceContext {
  return extendContext(context, {
    progress: (fraction, message) =>
      context.progress(fraction, typeof message === 'string' ? redactor.text(message) : undefined),
    // Made when it is asked for, as that of the context is.
    get log() {
      return redactedLog(context.log, redactor);
    },
  });
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
