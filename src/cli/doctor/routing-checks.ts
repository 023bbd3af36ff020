import { findWeaknesses, type ProfileWeakness } from '../../strategies/profile-weaknesses.js';
import { createBuiltInOrchestrator } from '../built-in-orchestrator.js';
import type { CommandContext } from '../command.js';
import type { Arguments } from '../flags.js';
import { toJsonText } from '../json-output.js';
import { onOneLine } from '../table.js';

const MOST_SHOWN = 20;

/** Prints what keeps the services from being told apart, and how to mend it: warnings, never a failure. */
export async function reportOnRouting(args: Arguments, { terminal, log }: CommandContext): Promise<void> {
  const orchestrator = await createBuiltInOrchestrator(args, log);
  const { registry, config } = orchestrator;
  const weaknesses = findWeaknesses(registry.profiles().values(), config.routingConfig);
  await orchestrator.close({ drainSeconds: 0 });
  await terminal.print(args.isSet('json') ? toJsonText(weaknesses) : describeWeaknesses(weaknesses));
}

/** Two lines for each weakness, and a verdict. */
export function describeWeaknesses(weaknesses: readonly ProfileWeakness[]): string {
  const lines = weaknesses
    .slice(0, MOST_SHOWN)
    .map(({ text, mend }) => `warning: ${onOneLine(text)}\n  ${onOneLine(mend)}`);
  const more = weaknesses.length - lines.length;
  const count = `${weaknesses.length} warning${weaknesses.length === 1 ? '' : 's'}`;
  return [
    ...lines,
    ...(more > 0 ? [`… and ${more} more (--json shows all)`] : []),
    `routing: ${weaknesses.length === 0 ? 'nothing to mend' : count}`,
  ].join('\n');
}
