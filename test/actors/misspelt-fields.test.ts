import { expect, it, onTestFinished, vi } from 'vitest';
import { ServiceRegistry } from '../../src/actors/registry.js';
import type { ServiceInput } from '../../src/core/service.js';

const execute = (task: string): string => task;

/** What is warned of while services are registered. */
function warningsOf(...services: readonly object[]): string[] {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  onTestFinished(() => warn.mockRestore());
  const registry = new ServiceRegistry();
  for (const [index, service] of services.entries()) registry.register(`s${index}`, service as ServiceInput);
  return warn.mock.calls.map(([text]) => String(text));
}

it('a misspelt field of a service, or of what stands around it, is warned of once with the name that was meant', () => {
  const warnings = warningsOf(
    { execute, concurency: 2, keyword: ['x'] },
    { service: execute, timeoutSecond: 1 },
  );

  expect(warnings).toEqual([
    expect.stringMatching(
      /s0.*concurency \(did you mean concurrency\?\), keyword \(did you mean keywords\?\)/,
    ),
    expect.stringMatching(/s1.*timeoutSecond \(did you mean timeoutSeconds\?\)/),
  ]);
});

it('fields of its own are no misspelt ones, nor are those of an object of a class', () => {
  class Counter {
    readonly concurency = 2;
    execute = execute;
  }

  expect(warningsOf({ execute, calls: 0, name: 'own' }, new Counter(), execute)).toEqual([]);
});
