import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Log } from '../core/environment.js';
import type { Orchestrator } from '../orchestrator.js';
import { ConfigurationError, UsageError } from './exit-code.js';
import type { Arguments, Flags } from './flags.js';

/** Flags of every command that runs or routes tasks. */
export const ORCHESTRATOR_FLAGS: Flags = {
  root: {
    type: 'string',
    multiple: true,
    value: 'DIR',
    help: 'Folder whose files tasks may read; repeatable (default: the current one)',
  },
  'allow-host': {
    type: 'string',
    multiple: true,
    value: 'HOST:PORT',
    help: 'Local or private address that tasks may read pages from; repeatable',
  },
  threshold: { type: 'string', value: 'NUMBER', help: 'Least confidence of a match, 0 to 1 (default: 0.5)' },
  'max-parallel': { type: 'string', value: 'COUNT', help: 'Most attempts at once (default: 5)' },
  timeout: { type: 'string', value: 'SECONDS', help: 'Limit of one attempt (default: 300)' },
};

/**
 * Builds an orchestrator with the four built-in services, which work offline and need no key.
 *
 * @throws UsageError for a flag with a bad value, ConfigurationError for a root that is no folder.
 */
export async function createBuiltInOrchestrator(args: Arguments, log: Log): Promise<Orchestrator> {
  const config = configOf(args);
  const allowPrivateHosts = args.texts('allow-host').map(checkHost);
  const roots = await Promise.all(rootsOf(args).map(checkRoot));
  const [gaffr, vision, responses, reasoning, chat] = await Promise.all([
    import('../index.js'),
    import('../services/builtin/vision.js'),
    import('../services/builtin/responses.js'),
    import('../services/builtin/reasoning.js'),
    import('../services/builtin/chat.js'),
  ]);
  return gaffr.createOrchestrator({
    services: {
      vision: vision.createVisionService({ roots }),
      responses: responses.createResponsesService({ roots, allowPrivateHosts }),
      reasoning: reasoning.createReasoningService(),
      chat: chat.createChatService(),
    },
    strategy: await builtInStrategy(gaffr, config, log),
    config: gaffr.ExecutionConfig.create(config),
    log,
  });
}

/** What reads as formal goes to reasoning; all else by keywords, then by capabilities. */
async function builtInStrategy(
  { CompositeStrategy, FunctionStrategy, KeywordStrategy, CapabilityStrategy }: typeof import('../index.js'),
  { confidenceThreshold }: ReturnType<typeof configOf>,
  log: Log,
) {
  const { routeFormal } = await import('../services/builtin/reasoning-route.js');
  const strategies = [
    new FunctionStrategy(routeFormal, 'formal'),
    new KeywordStrategy(),
    new CapabilityStrategy(),
  ];
  return new CompositeStrategy(strategies, {
    ...(confidenceThreshold !== undefined && { confidenceThreshold }),
    log,
  });
}

function configOf(args: Arguments) {
  const confidenceThreshold = args.number('threshold', { least: 0, most: 1 });
  const maxParallel = args.number('max-parallel', { least: 1, isWhole: true });
  const timeoutSeconds = args.number('timeout', { above: 0 });
  return {
    ...(confidenceThreshold !== undefined && { confidenceThreshold }),
    ...(maxParallel !== undefined && { maxParallel }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  };
}

function rootsOf(args: Arguments): readonly string[] {
  const roots = args.texts('root');
  return roots.length === 0 ? ['.'] : roots;
}

async function checkRoot(root: string): Promise<string> {
  const path = resolve(root);
  const stats = await stat(path).catch((cause) => {
    throw new ConfigurationError(`--root ${root} cannot be read; name a folder that exists.`, { cause });
  });
  if (!stats.isDirectory())
    throw new ConfigurationError(`--root ${root} is no folder; name the folder it is in.`);
  return path;
}

function checkHost(host: string): string {
  if (/^(\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i.test(host)) return host;
  throw new UsageError(`--allow-host must be HOST:PORT, for instance 127.0.0.1:8080, not "${host}".`);
}
