import { expect, it } from 'vitest';
import { createMachine } from 'xstate';
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
