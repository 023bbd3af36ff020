import type { RoutingConfig } from '../core/config.js';
import type { ServiceProfile } from '../core/route.js';
import { DEFAULT_KEYWORDS } from './default-keywords.js';
import { isFunctionWord } from './function-words.js';
import { type Keyword, readKeyword } from './keyword-index.js';
import { readWords, stemOf } from './words.js';

/** With fewer examples capability matching goes wrong much more often: each of the first five counts most. */
export const WANTED_EXAMPLES = 5;

/** Most names in a text. */
const MAX_NAMED = 5;

/** Descriptions that share this part of their words (Jaccard) are near-identical. */
const NEAR_IDENTICAL = 0.8;

/** Shorter descriptions, in words, say too little to be compared. */
const LEAST_WORDS = 3;

/** Most descriptions that are compared with one another because they share a rare word. */
const MAX_SHARING = 200;

/** Something about the profiles of services that makes routing worse than it could be, and how to mend it. */
export interface ProfileWeakness {
  readonly kind: 'nothing-to-go-by' | 'few-examples' | 'shared-keyword' | 'same-description';
  readonly services: readonly string[];
  /** The keyword that is shared, or the number of examples there are. */
  readonly keyword?: string;
  readonly examples?: number;
  /** For people: what is weak, and what that does. */
  readonly text: string;
  /** For people: what to do. */
  readonly mend: string;
}

/**
 * Finds what keeps services from being told apart: too few examples, keywords that several claim, descriptions that say
 * the same. Time grows with the texts, not with the pairs of services.
 */
export function findWeaknesses(
  profiles: Iterable<ServiceProfile>,
  {
    useKeywordMatching,
    useCapabilityMatching,
    fallbackService,
  }: Pick<RoutingConfig, 'useKeywordMatching' | 'useCapabilityMatching' | 'fallbackService'>,
): ProfileWeakness[] {
  const all = [...profiles];
  // One service alone gets every task.
  if (all.length < 2) return [];
  return [
    ...(useCapabilityMatching ? all.flatMap((profile) => exampleWeakness(profile, fallbackService)) : []),
    ...(useKeywordMatching ? sharedKeywords(all) : []),
    ...(useCapabilityMatching ? sameDescriptions(all) : []),
  ];
}

/** Number of examples that differ in more than case and punctuation. */
export function distinctExamples({ examples = [] }: ServiceProfile): number {
  const texts = examples.filter((example) => typeof example === 'string');
  const read = texts.map((example) => readWords(example).words.join(' '));
  return new Set(read.filter((words) => words !== '')).size;
}

function exampleWeakness(profile: ServiceProfile, fallbackService: string | null): ProfileWeakness[] {
  const { name } = profile;
  const examples = distinctExamples(profile);
  // What the fallback service is for is what nobody else knows.
  if (examples >= WANTED_EXAMPLES || name === fallbackService) return [];
  const says = [profile.description, ...(profile.capabilities ?? []), ...(profile.tools ?? [])].some(Boolean);
  if (examples === 0 && !says && keywordsOf(profile).length === 0) {
    const text = `"${name}" has no description, no keywords and no examples: only its name can be matched.`;
    const mend = `Give "${name}" a description and at least ${WANTED_EXAMPLES} examples of tasks as people write them.`;
    return [{ kind: 'nothing-to-go-by', services: [name], examples, text, mend }];
  }
  const count = examples === 0 ? 'no examples' : `${examples} example${examples === 1 ? '' : 's'}`;
  const text = `"${name}" has ${count}; below ${WANTED_EXAMPLES} many of its tasks are not recognised.`;
  const mend = `Add ${WANTED_EXAMPLES - examples} or more to the examples of "${name}": tasks as people really write them, each in other words.`;
  return [{ kind: 'few-examples', services: [name], examples, text, mend }];
}

function keywordsOf({ name, keywords }: ServiceProfile): readonly Keyword[] {
  return keywords ?? DEFAULT_KEYWORDS.get(name) ?? [];
}

/** Keywords with the same stems in several services. A longer phrase that holds a shorter one is no fault: it wins. */
function sharedKeywords(profiles: readonly ServiceProfile[]): ProfileWeakness[] {
  const owners = new Map<string, SharedKeyword>();
  for (const profile of profiles) {
    for (const given of keywordsOf(profile)) {
      const read = readKeyword(given);
      if (read === undefined || read.weight === 0) continue;
      const key = read.words.map(stemOf).join(' ');
      const owner = owners.get(key) ?? { ...read, services: new Set() };
      owners.set(key, owner);
      owner.services.add(profile.name);
    }
  }
  return [...owners.values()].filter(({ services }) => services.size > 1).map(sharedKeyword);
}

interface SharedKeyword {
  readonly keyword: string;
  readonly words: readonly string[];
  readonly services: Set<string>;
}

function sharedKeyword({ keyword, words, services }: SharedKeyword): ProfileWeakness {
  const names = [...services];
  // The confidence of this keyword alone, shared by all.
  const each = ((1 - 4 ** -words.length) / names.length).toFixed(2);
  return {
    kind: 'shared-keyword',
    services: names,
    keyword,
    text: `"${keyword}" is a keyword of ${listOf(names)}: a task with no other keyword gives each about ${each}.`,
    mend: `Leave "${keyword}" to one of them, make it a phrase that tells them apart (such as "${keyword} …"), or give it a lower weight in the others.`,
  };
}

/** A description as the set of its telling stems, the rarest first. */
interface Described {
  readonly name: string;
  readonly stems: readonly string[];
}

function sameDescriptions(profiles: readonly ServiceProfile[]): ProfileWeakness[] {
  const groups = new Map<string, { readonly stems: readonly string[]; readonly names: string[] }>();
  for (const profile of profiles) {
    const stems = descriptionStems(profile);
    if (stems.length < LEAST_WORDS) continue;
    const key = stems.join(' ');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { stems, names: [profile.name] });
    else group.names.push(profile.name);
  }
  const equal = [...groups.values()].filter(({ names }) => names.length > 1).map(({ names }) => names);
  const distinct = Array.from(groups.values(), ({ stems, names }) => ({ name: names[0] as string, stems }));
  return [...equal, ...nearPairs(distinct)].map(sameDescription);
}

function sameDescription(services: readonly string[]): ProfileWeakness {
  return {
    kind: 'same-description',
    services,
    text: `The descriptions of ${listOf(services)} say nearly the same: tasks for one of them are ambiguous.`,
    mend: 'Say in each what the others do not do, add examples that tell them apart, or make one service of them (replicated() for copies of one).',
  };
}

function descriptionStems({ description = '', capabilities = [] }: ServiceProfile): readonly string[] {
  const { words } = readWords([description, ...capabilities].join(' '));
  return [...new Set(words.filter((word) => !isFunctionWord(word)).map(stemOf))].sort();
}

/**
 * Pairs that share at least {@link NEAR_IDENTICAL} of their words. Two such sets must share one of their rarest words (all
 * but that part of them), so only those that do are compared.
 */
function nearPairs(described: readonly Described[]): string[][] {
  const frequency = new Map<string, number>();
  for (const { stems } of described) {
    for (const stem of stems) frequency.set(stem, (frequency.get(stem) ?? 0) + 1);
  }
  const frequencyOf = (stem: string) => frequency.get(stem) ?? 0;
  const byRareStem = new Map<string, Described[]>();
  const pairs: string[][] = [];
  for (const next of described) {
    // Ties are broken by the word itself, so that all sets are cut in one order.
    const rare = [...next.stems].sort((a, b) => frequencyOf(a) - frequencyOf(b) || (a < b ? -1 : 1));
    const prefix = rare.slice(0, rare.length - Math.ceil(NEAR_IDENTICAL * rare.length) + 1);
    const others = new Set(prefix.flatMap((stem) => byRareStem.get(stem) ?? []));
    for (const other of others) if (isNear(next, other)) pairs.push([other.name, next.name]);
    for (const stem of prefix) {
      const sharing = byRareStem.get(stem);
      if (sharing === undefined) byRareStem.set(stem, [next]);
      else if (sharing.length < MAX_SHARING) sharing.push(next);
    }
  }
  return pairs;
}

function isNear(a: Described, b: Described): boolean {
  const known = new Set(a.stems);
  const shared = b.stems.filter((stem) => known.has(stem)).length;
  return shared / (known.size + b.stems.length - shared) >= NEAR_IDENTICAL;
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).map((name) => `"${name}"`);
  const rest = names.length - shown.length;
  return rest > 0
    ? `${shown.join(', ')} and ${rest} more`
    : shown.join(', ').replace(/, ([^,]*)$/, ' and $1');
}
