import type { RoutersConfig } from '../config/router-schema.js';
import type { RoutingConfig } from '../core/config.js';
import type { Log } from '../core/environment.js';
import { messageOf } from '../core/errors.js';
import type { RoutingStrategy } from '../core/route.js';
import { ConfigurationError } from './exit-code.js';

/**
 * How the command line routes. What reads as formal goes to reasoning; all else by keywords, then by what was learned, by
 * capabilities, by an embedding model, and last by a language model. Each is asked only where those before are unsure.
 *
 * @param routers - What the configuration file adds, its path made absolute.
 * @throws ConfigurationError when the file of what was learned cannot be read.
 */
export async function builtInStrategy(
  { useKeywordMatching, useCapabilityMatching, confidenceThreshold }: RoutingConfig,
  { learned, embedding, llm }: RoutersConfig,
  log: Log,
): Promise<RoutingStrategy> {
  const gaffr = await import('../index.js');
  const { routeFormal } = await import('../services/builtin/reasoning-route.js');
  const strategies: RoutingStrategy[] = [new gaffr.FunctionStrategy(routeFormal, 'formal')];
  if (useKeywordMatching) strategies.push(new gaffr.KeywordStrategy());
  if (learned !== undefined) {
    const strategy = new gaffr.LearnedStrategy();
    await strategy.load(learned).catch((cause) => {
      throw new ConfigurationError(`routers.learned: ${messageOf(cause)}`, { cause });
    });
    strategies.push(strategy);
  }
  if (useCapabilityMatching) strategies.push(new gaffr.CapabilityStrategy());
  if (embedding !== undefined) {
    const { balance, timeoutSeconds, ...server } = embedding;
    const own = said({ balance, timeoutSeconds });
    strategies.push(new gaffr.EmbeddingStrategy({ embed: gaffr.openaiEmbed(said(server)), ...own, log }));
  }
  const local = new gaffr.CompositeStrategy(strategies, { confidenceThreshold, log });
  if (llm === undefined) return local;
  const { timeoutSeconds, maxCandidates, ...server } = llm;
  const own = said({ timeoutSeconds, maxCandidates });
  return new gaffr.LlmStrategy({
    ask: gaffr.openaiAsk(said(server)),
    local,
    confidenceThreshold,
    ...own,
    log,
  });
}

/** Without what the file leaves out, so that its default is the strategy's. */
function said<T extends object>(options: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof T]: Exclude<T[Name], undefined> };
}
