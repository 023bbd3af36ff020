import { findWeaknesses } from '../../strategies/profile-weaknesses.js';
import { createBuiltInOrchestrator } from '../built-in-orchestrator.js';
import type { CommandContext } from '../command.js';
import { ConfigurationError } from '../exit-code.js';
import type { Arguments } from '../flags.js';
import { onOneLine } from '../table.js';
import { type Check, fault, ok, warning } from './check.js';

/**
 * Looks for what keeps the services from being told apart: warnings. A configuration that cannot be used is a fault, and
 * nothing is said of it when another check tells why.
 *
 * @param found - What the other checks found.
 */
export async function checkRouting(
  args: Arguments,
  { log }: Pick<CommandContext, 'log'>,
  found: readonly Check[],
): Promise<readonly Check[]> {
  const orchestrator = await createBuiltInOrchestrator(args, log).catch((cause) => {
    if (cause instanceof ConfigurationError) return cause;
    throw cause;
  });
  if (orchestrator instanceof ConfigurationError) {
    if (found.some(({ status }) => status === 'fault')) return [];
    return [fault('services', orchestrator.message, 'mend the file, then run gaffr doctor again')];
  }
  const { registry, config } = orchestrator;
  const weaknesses = findWeaknesses(registry.profiles().values(), config.routingConfig);
  await orchestrator.close({ drainSeconds: 0 });
  if (weaknesses.length === 0) return [ok('routing', 'the services are told apart well')];
  return weaknesses.map(({ text, mend }) => warning('routing', onOneLine(text), onOneLine(mend)));
}
