import type { ServiceProfile } from '../core/route.js';
import { isFunctionWord } from './function-words.js';
import { readWords } from './words.js';

/**
 * Most characters read of a profile that is not trusted, its examples included: text from a downstream server may be
 * anything.
 */
const MAX_UNTRUSTED_CHARS = 2048;

/**
 * The words of one service, text by text: a descriptor first, then each example.
 *
 * Of a profile that is not trusted the function words of examples are left out too: they are near every task.
 */
export interface ServiceTexts {
  readonly service: string;
  readonly isTrusted: boolean;
  readonly texts: readonly (readonly string[])[];
}

/** Reads what a profile says of its service. Never throws for odd fields: they are left out. */
export function textsOf(profile: ServiceProfile): ServiceTexts {
  const isTrusted = profile.trusted !== false;
  const budget = budgetOf(profile);
  const parts = descriptorOf(profile, budget);
  const examples = textsIn(profile.examples).map((example) => readWords(budget.take(example)).words);
  const texts = [
    parts.flatMap((part) => tellingWordsOf(readWords(part).words)),
    ...(isTrusted ? examples : examples.map(tellingWordsOf)),
  ].filter((words) => words.length > 0);
  return { service: profile.name, isTrusted, texts };
}

/** What a service says of itself but its examples: its name in words, description, capabilities and tools, in parts. */
export function descriptorOf(profile: ServiceProfile, budget = budgetOf(profile)): string[] {
  const parts = [splitName(profile.name), budget.take(profile.description)];
  for (const capability of textsIn(profile.capabilities)) parts.push(budget.take(capability));
  for (const tool of Array.isArray(profile.tools) ? profile.tools : []) {
    parts.push(splitName(budget.take(tool?.name)), budget.take(tool?.description));
  }
  return parts;
}

/** The texts of a field: profiles of a strategy that is used by itself come from users, and a field may be anything. */
export function textsIn(field: unknown): readonly string[] {
  return Array.isArray(field) ? field.filter((text) => typeof text === 'string') : [];
}

function budgetOf({ trusted }: ServiceProfile): TextBudget {
  return new TextBudget(trusted !== false ? Number.POSITIVE_INFINITY : MAX_UNTRUSTED_CHARS);
}

/**
 * Function words say nothing of a service, and a description made of them alone would be near every task. In examples of
 * the operator they stay: how people ask does tell services apart.
 */
function tellingWordsOf(words: readonly string[]): readonly string[] {
  return words.filter((word) => !isFunctionWord(word));
}

/** `web_search&findImages` becomes `web search find Images`. */
function splitName(name: string): string {
  return name
    .replace(/[_&.]+/g, ' ')
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2');
}

/** Hands out text until its characters are used up. */
class TextBudget {
  #charsLeft: number;

  constructor(chars: number) {
    this.#charsLeft = chars;
  }

  take(text: string | undefined): string {
    if (typeof text !== 'string') return '';
    const taken = text.slice(0, this.#charsLeft);
    this.#charsLeft -= taken.length;
    return taken;
  }
}
