import { expect, it } from 'vitest';
import { type AnyStateNode, createMachine } from 'xstate';
import { machineDocuments } from '../../src/machines/machine-documents.js';
import { mermaidOf } from '../../src/machines/mermaid.js';
import { serviceMachine } from '../../src/machines/service.machine.js';
import { supervisorMachine } from '../../src/machines/supervisor.machine.js';

it.each([
  ['service', serviceMachine],
  ['supervisor', supervisorMachine],
])('the document of %s is plain JSON from which XState makes the same machine', (name, machine) => {
  const document = machineDocuments().find((each) => each.name === name);
  const config = JSON.parse(JSON.stringify(document?.config));
  expect(config).toEqual(document?.config);
  const again = createMachine(config);
  expect(mermaidOf(again)).toBe(document?.mermaid);
  expect(again.root.description).toBe(document?.description);
  const withoutContext = (node: object) => JSON.parse(JSON.stringify({ ...node, context: undefined }));
  expect(withoutContext(again.definition)).toEqual(withoutContext(machine.definition));
});

it.each([
  ['service', serviceMachine],
  ['supervisor', supervisorMachine],
])(
  'the document of %s says what each of its states, events, actions, guards and delays means',
  (name, machine) => {
    const { config, description } = machineDocuments().find((each) => each.name === name) ?? {};
    const { glossary } = (config as { meta: { glossary: Record<string, Record<string, string>> } }).meta;
    const { actions, guards, delays } = machine.implementations;
    const named = {
      events: machine.events,
      actions: keysOf(actions),
      guards: keysOf(guards),
      delays: keysOf(delays),
    };
    for (const [kind, names] of Object.entries(named)) {
      const own = names.filter((each) => !each.startsWith('xstate.after'));
      expect({ kind, names: Object.keys(glossary[kind] ?? {}).sort() }).toEqual({ kind, names: own.sort() });
      for (const text of Object.values(glossary[kind] ?? {})) expect(text).toMatch(/^[A-Z].*\.$/);
    }
    expect(description).toMatch(/\.$/);
    const [, ...states] = nodesOf(machine.root);
    expect(states.filter((node) => !node.description?.endsWith('.')).map(({ id }) => id)).toEqual([]);
  },
);

it('every transition between states that has a guard says when it is taken', () => {
  for (const machine of [serviceMachine, supervisorMachine]) {
    const transitions = nodesOf(machine.root).flatMap((node) => [
      ...[...node.transitions.values()].flat(),
      ...(node.always ?? []),
    ]);
    const silent = transitions.filter(({ guard, description }) => guard !== undefined && !description);
    expect(silent.map(({ eventType, guard }) => [eventType, guard])).toEqual([]);
  }
});

function keysOf(implementations: object): string[] {
  return Object.keys(implementations);
}

/** A state and all states in it, itself first. */
function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)];
}
