import { findWeaknesses } from '../../strategies/profile-weaknesses.js';
import { createBuiltInOrchestrator } from '../built-in-orchestrator.js';
import type { CommandContext } from '../command.js';
import { ConfigurationError } from '../exit-code.js';
import type { Arguments } from '../flags.js';
import { onOneLine } from '../table.js';
import { type Check, ok, warning } from './check.js';

/**
 * Looks for what keeps the services from being told apart: warnings, never a fault. Nothing is said while the
 * configuration cannot be used; another check tells why.
 */
export async function checkRouting(
  args: Arguments,
  { log }: Pick<CommandContext, 'log'>,
): Promise<readonly Check[]> {
  const orchestrator = await createBuiltInOrchestrator(args, log).catch((cause) => {
    if (cause instanceof ConfigurationError) return null;
    throw cause;
  });
  if (orchestrator === null) return [];
  const { registry, config } = orchestrator;
  const weaknesses = findWeaknesses(registry.profiles().values(), config.routingConfig);
  await orchestrator.close({ drainSeconds: 0 });
  if (weaknesses.length === 0) return [ok('routing', 'the services are told apart well')];
  return weaknesses.map(({ text, mend }) => warning('routing', onOneLine(text), onOneLine(mend)));
}
