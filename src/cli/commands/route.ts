import type { Orchestrator } from '../../orchestrator.js';
import type { Command } from '../command.js';
import { EXIT, UsageError } from '../exit-code.js';
import { JSON_FLAG, toJsonText } from '../json-output.js';
import { ORCHESTRATOR_FLAGS } from '../orchestrator-flags.js';

export const routeCommand: Command = {
  name: 'route',
  summary: 'Show where a task would go and why, or evaluate routing on labelled tasks; nothing is run',
  synopsis: '"task" [flags] | --eval FILE [flags]',
  flags: {
    eval: {
      type: 'string',
      value: 'FILE',
      help: 'Judge the routing of a file with {"task": "…", "service": "name" or null} a line',
    },
    ...JSON_FLAG,
    ...ORCHESTRATOR_FLAGS,
  },
  async run(args, { terminal, log }) {
    const [task, ...others] = args.positionals;
    const path = args.text('eval');
    if (path !== undefined && task !== undefined)
      throw new UsageError('gaffr route takes a task or --eval FILE, not both.');
    if (path === undefined && (task === undefined || task === '' || others.length > 0))
      throw new UsageError('gaffr route takes one task; put it in quotes.');
    const { createBuiltInOrchestrator } = await import('../built-in-orchestrator.js');
    const orchestrator = await createBuiltInOrchestrator(args, log);
    const view = { columns: terminal.columns, isJson: args.isSet('json') };
    try {
      await terminal.print(
        path === undefined
          ? await explain(orchestrator, task as string, view)
          : await evaluate(orchestrator, path, view),
      );
    } finally {
      await orchestrator.close({ drainSeconds: 0 });
    }
    return EXIT.success;
  },
};

interface View {
  readonly columns: number;
  readonly isJson: boolean;
}

async function explain(orchestrator: Orchestrator, task: string, { columns, isJson }: View): Promise<string> {
  const { describeRoute } = await import('../routing/explanation-view.js');
  const { confidenceThreshold } = orchestrator.config.routingConfig;
  const route = await orchestrator.explain(task);
  return isJson ? toJsonText(route) : describeRoute(route, { columns, confidenceThreshold });
}

async function evaluate(
  orchestrator: Orchestrator,
  path: string,
  { columns, isJson }: View,
): Promise<string> {
  const [{ evaluateRouting }, { readLabelledTasks }, { describeEvaluation }] = await Promise.all([
    import('../../strategies/evaluation.js'),
    import('../routing/labelled-file.js'),
    import('../routing/evaluation-view.js'),
  ]);
  const labelled = readLabelledTasks(path, orchestrator.registry.listServices());
  const evaluation = await evaluateRouting(labelled, orchestrator);
  return isJson ? toJsonText(evaluation) : describeEvaluation(evaluation, columns);
}
