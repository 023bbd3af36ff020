import type { RoutersConfig } from '../config/router-schema.js';
import type { RoutingConfig } from '../core/config.js';
import type { Log } from '../core/environment.js';
import { messageOf } from '../core/errors.js';
import type { RoutingStrategy } from '../core/route.js';
import { routeFormal } from '../services/builtin/reasoning-route.js';
import { CapabilityStrategy } from '../strategies/capability-strategy.js';
import { CompositeStrategy } from '../strategies/composite-strategy.js';
import { FunctionStrategy } from '../strategies/function-strategy.js';
import { KeywordStrategy } from '../strategies/keyword-strategy.js';
import type { LlmStrategyOptions } from '../strategies/llm-strategy.js';
import { ConfigurationError } from './exit-code.js';
import { said } from './said.js';

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
  const strategies: RoutingStrategy[] = [new FunctionStrategy(routeFormal, 'formal')];
  if (useKeywordMatching) strategies.push(new KeywordStrategy());
  if (learned !== undefined) strategies.push(await learnedStrategy(learned));
  if (useCapabilityMatching) strategies.push(new CapabilityStrategy());
  if (embedding !== undefined) strategies.push(await embeddingStrategy(embedding, log));
  const local = new CompositeStrategy(strategies, { confidenceThreshold, log });
  return llm === undefined ? local : llmStrategy(llm, { local, confidenceThreshold, log });
}

async function learnedStrategy(path: string): Promise<RoutingStrategy> {
  const { LearnedStrategy } = await import('../learning/learned-strategy.js');
  const strategy = new LearnedStrategy();
  await strategy.load(path).catch((cause) => {
    throw new ConfigurationError(`routers.learned: ${messageOf(cause)}`, { cause });
  });
  return strategy;
}

async function embeddingStrategy(
  { balance, timeoutSeconds, ...server }: Router<'embedding'>,
  log: Log,
): Promise<RoutingStrategy> {
  const { openaiEmbed } = await import('../services/openai-ports.js');
  const { EmbeddingStrategy } = await import('../strategies/embedding-strategy.js');
  return new EmbeddingStrategy({
    embed: openaiEmbed(said(server)),
    ...said({ balance, timeoutSeconds }),
    log,
  });
}

async function llmStrategy(
  { timeoutSeconds, maxCandidates, ...server }: Router<'llm'>,
  rest: Pick<LlmStrategyOptions, 'local' | 'confidenceThreshold' | 'log'>,
): Promise<RoutingStrategy> {
  const { openaiAsk } = await import('../services/openai-ports.js');
  const { LlmStrategy } = await import('../strategies/llm-strategy.js');
  return new LlmStrategy({
    ask: openaiAsk(said(server)),
    ...said({ timeoutSeconds, maxCandidates }),
    ...rest,
  });
}

/** Options of one router of the file. */
type Router<Name extends keyof RoutersConfig> = NonNullable<RoutersConfig[Name]>;
