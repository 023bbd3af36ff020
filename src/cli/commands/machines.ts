import type { MachineDocument } from '../../core/machine-document.js';
import { nearest } from '../../core/nearest.js';
import type { Command } from '../command.js';
import { EXIT, UsageError } from '../exit-code.js';
import type { Arguments } from '../flags.js';
import { toJsonText } from '../json-output.js';
import { table } from '../table.js';

export const machinesCommand: Command = {
  name: 'machines',
  summary: "Show the state machines: as JSON for Stately's editor and XState, or as Mermaid diagrams",
  synopsis: '[NAME] [flags]',
  flags: {
    json: {
      type: 'boolean',
      help: 'Print the configuration that createMachine() takes; of all machines, an object by name',
    },
    mermaid: { type: 'boolean', help: 'Print the Mermaid diagram; of all machines, a Markdown page' },
  },
  async run(args, { terminal }) {
    const { machineDocuments } = await import('../../machines/machine-documents.js');
    const all = machineDocuments();
    const chosen = choose(args, all);
    if (args.isSet('json') && args.isSet('mermaid')) {
      throw new UsageError('gaffr machines takes --json or --mermaid, not both.');
    }
    if (args.isSet('json')) await terminal.print(toJsonText(chosen?.config ?? configsOf(all)));
    else if (args.isSet('mermaid')) await terminal.print(chosen?.mermaid ?? pageOf(all));
    else {
      const rows = (chosen ? [chosen] : all).map(({ name, config, description }) => [
        name,
        Object.keys(Object(config.states)).join(', '),
        description,
      ]);
      await terminal.print(table(['machine', 'states', 'what it does'], rows, terminal.columns));
    }
    return EXIT.success;
  },
};

function choose({ positionals }: Arguments, all: readonly MachineDocument[]): MachineDocument | undefined {
  const [name, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError('gaffr machines takes at most one name.');
  if (name === undefined) return undefined;
  const machine = all.find((each) => each.name === name);
  if (machine !== undefined) return machine;
  const names = all.map((each) => each.name);
  const meant = nearest(name, names);
  const hint = meant === undefined ? `known: ${names.join(', ')}.` : `did you mean "${meant}"?`;
  throw new UsageError(`There is no machine "${name}"; ${hint}`);
}

function configsOf(all: readonly MachineDocument[]): object {
  return Object.fromEntries(all.map(({ name, config }) => [name, config]));
}

function pageOf(all: readonly MachineDocument[]): string {
  return all
    .map(
      ({ name, description, mermaid }) => `## ${name}\n\n${description}\n\n\`\`\`mermaid\n${mermaid}\n\`\`\``,
    )
    .join('\n\n');
}
