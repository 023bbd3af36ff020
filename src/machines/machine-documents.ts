import type { AnyStateMachine } from 'xstate';
import type { MachineDocument } from '../core/machine-document.js';
import { mermaidOf } from './mermaid.js';
import { serviceMachine } from './service.machine.js';
import { supervisorMachine } from './supervisor.machine.js';

let documents: readonly MachineDocument[] | undefined;

/** Every machine of the runtime; drawn when first asked for, and once, since definitions never change. */
export function machineDocuments(): readonly MachineDocument[] {
  documents ??= [serviceMachine, supervisorMachine].map(documentOf);
  return documents;
}

function documentOf(machine: AnyStateMachine): MachineDocument {
  return {
    name: machine.id,
    description: machine.root.description ?? '',
    // The context is made by a function, which JSON leaves out; all else in the configuration is data and names.
    config: JSON.parse(JSON.stringify(machine.config)) as Record<string, unknown>,
    mermaid: mermaidOf(machine),
  };
}
