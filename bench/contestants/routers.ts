import type { RoutingStrategy, ServiceProfile } from 'gaffr';
import { type RoutedService, root } from './routing-sets.js';

/** Services with scores, best first. Any scale: what a score means is the router's own affair. */
export type Scores = readonly (readonly [service: string, score: number])[];

/** Something that ranks services for a text; at once, unless it cannot. */
export interface BenchRouter {
  rank(text: string): Scores | Promise<Scores>;
}

/** Reads the services and builds whatever it needs of them. */
export type OpenRouter = (services: readonly RoutedService[]) => Promise<BenchRouter>;

/** One of ours, as a library user makes it. A further strategy is a further line here and in the bench. */
export const openKeyword = openStrategy(({ KeywordStrategy }) => new KeywordStrategy({ keywords: {} }));
export const openCapability = openStrategy(({ CapabilityStrategy }) => new CapabilityStrategy());
export const openCascade = openStrategy(
  ({ CompositeStrategy, KeywordStrategy, CapabilityStrategy }) =>
    new CompositeStrategy([new KeywordStrategy({ keywords: {} }), new CapabilityStrategy()]),
);

/** Examples of each service that training needs. */
export const LEARNABLE_EXAMPLES = 20;

export const openLearned = openStrategy(
  ({ LearnedStrategy }) => new LearnedStrategy(),
  (strategy) => strategy.train(),
);

function openStrategy<S extends RoutingStrategy>(
  create: (gaffr: typeof import('gaffr')) => S,
  prepare?: (strategy: S) => Promise<unknown>,
): OpenRouter {
  return async (services) => {
    const strategy = create(await import('gaffr'));
    const profiles = new Map(services.map((service) => [service.name, service as ServiceProfile]));
    const names = [...profiles.keys()];
    const context = { profiles, signal: new AbortController().signal };
    strategy.onRegistryChange?.(profiles);
    await prepare?.(strategy);
    return { rank: (text) => toScores(strategy.route(text, names, context)) };
  };
}

type StrategyAnswer = ReturnType<RoutingStrategy['route']>;

function toScores(answer: StrategyAnswer): Scores | Promise<Scores> {
  if (answer instanceof Promise) return answer.then(toScores);
  return (answer as Awaited<StrategyAnswer>).map((entry) =>
    'service' in entry ? [entry.service, entry.confidence] : entry,
  );
}

/** One document a service, found with the library's defaults. */
export const openMiniSearch: OpenRouter = async (services) => {
  const { default: MiniSearch } = await import('minisearch');
  const index = new MiniSearch({ fields: ['text'] });
  index.addAll(
    services.map(({ name, description = name, examples }, id) => ({
      id,
      text: [name, description, ...examples].join('\n'),
    })),
  );
  const nameOf = (id: number): string => (services[id] as RoutedService).name;
  return { rank: (text) => index.search(text).map(({ id, score }) => [nameOf(id), score]) };
};

/** Folder of the packages that are too heavy for the root: installed when one of them takes part. */
export const PEERS_FOLDER = 'bench/routing-peers';

export const openNatural = openPeer('natural.mjs');
export const openNlpJs = openPeer('nlpjs.mjs');

function openPeer(file: string): OpenRouter {
  return async (services) => {
    const { open } = (await import(new URL(`${PEERS_FOLDER}/${file}`, root).href)) as { open: OpenRouter };
    return open(services);
  };
}
