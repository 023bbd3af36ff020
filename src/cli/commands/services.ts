import type { Command } from '../command.js';
import { EXIT } from '../exit-code.js';
import { JSON_FLAG, toJsonText } from '../json-output.js';
import { ORCHESTRATOR_FLAGS } from '../orchestrator-flags.js';
import { refuseWords } from '../positionals.js';
import { table } from '../table.js';

export const servicesCommand: Command = {
  name: 'services',
  summary: 'List the services and what each is good at',
  synopsis: '[flags]',
  flags: { ...JSON_FLAG, ...ORCHESTRATOR_FLAGS },
  async run(args, { terminal, log }) {
    refuseWords(args, 'services');
    const { createBuiltInOrchestrator } = await import('../built-in-orchestrator.js');
    const orchestrator = await createBuiltInOrchestrator(args, log);
    const services = orchestrator.listServices();
    await terminal.print(
      args.isSet('json')
        ? toJsonText(services)
        : table(
            ['service', 'state', 'what it does'],
            services.map(({ name, state, description }) => [name, state, description]),
            terminal.columns,
          ),
    );
    await orchestrator.close({ drainSeconds: 0 });
    return EXIT.success;
  },
};
