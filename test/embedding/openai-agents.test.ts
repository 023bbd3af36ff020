import { fromOpenAIAgent } from 'gaffr/openai-agents';
import { expect, it } from 'vitest';
import { createOrchestrator } from '../../src/orchestrator.js';

type Listener = (run: { readonly context: unknown }, from: object, to: object) => void;

/** A runner as the SDK's own, which tells all listeners of all runs. With the SDK it is tested in test/adapters. */
function runner() {
  const listeners: [string, Listener][] = [];
  return {
    listeners,
    on: (type: string, listener: Listener) => void listeners.push([type, listener]),
    async run(agent: { readonly name: string }, _prompt: string, { context }: { readonly context: unknown }) {
      for (const [type, listener] of listeners) {
        if (type === 'agent_tool_start') listener({ context }, agent, { name: `tool of ${agent.name}` });
        else listener({ context: undefined }, agent, { name: 'nobody' });
      }
      return { finalOutput: agent.name };
    },
  };
}

it('fromOpenAIAgent() listens to a runner once for all its services, and tells each task of its own run', async () => {
  const shared = runner();
  const services = Object.fromEntries(
    ['a', 'b', 'c'].map((name) => [name, fromOpenAIAgent({ name }, { runner: shared })]),
  );
  const orchestrator = createOrchestrator({ services });
  expect(shared.listeners).toHaveLength(2);
  const told: unknown[] = [];
  await Promise.all(
    ['a', 'b'].map((service) =>
      orchestrator.execute('x', {
        service,
        onProgress: (_fraction, message) => void told.push([service, message]),
      }),
    ),
  );
  expect(told.sort()).toEqual([
    ['a', 'tool of a'],
    ['b', 'tool of b'],
  ]);
});

it('fromOpenAIAgent() works with a runner that tells nothing, and refuses an unknown option', async () => {
  const silent = { run: async () => ({ finalOutput: undefined }) };
  const orchestrator = createOrchestrator({
    services: { a: fromOpenAIAgent({ name: 'a' }, { runner: silent }) },
  });
  expect(await orchestrator.execute('x')).toMatchObject({ success: true, result: null });
  const wrong = { runner: silent, turns: 3 };
  expect(() => fromOpenAIAgent({ name: 'a' }, wrong)).toThrow(/Agent "a" has no option "turns"/);
});
