/** Ranks the tools of one server for a task, by words that are rare among its tools. */

import { stemmer } from 'stemmer';
import type { DownstreamTool } from './tool-list.js';

/** A tool with how well it fits; 0 or more, comparable within one ranking only. */
export interface RankedTool {
  readonly tool: DownstreamTool;
  readonly score: number;
}

/** Words in the name say more than words in the description. */
const NAME_WEIGHT = 3;
const PARAMETER_WEIGHT = 0.5;
/** Words of a description that are looked at: the first sentences say what a tool does. */
const DESCRIPTION_WORDS = 40;
const TASK_CHARACTERS = 2_000;

const STOP_WORDS = new Set(
  'a an and are as at be by can could do does for from get give how i if in into is it its me my of on or please set show tell that the their them there these this to up use used using was what when where which will with would you your'.split(
    ' ',
  ),
);

/** Best first; equal ones in the server's order. */
export function rankTools(task: string, tools: readonly DownstreamTool[]): RankedTool[] {
  const documents = tools.map(weightsOf);
  const words = new Set(wordsOf(task.slice(0, TASK_CHARACTERS)));
  const rarity = new Map<string, number>();
  for (const word of words) {
    const count = documents.filter((document) => document.has(word)).length;
    if (count > 0) rarity.set(word, Math.log(1 + tools.length / count));
  }
  const ranked = tools.map((tool, index) => {
    let score = 0;
    for (const [word, weight] of rarity) score += weight * (documents[index]?.get(word) ?? 0);
    // What a name says beyond the task ("… with sizes") speaks against it.
    const nameWords = new Set(wordsOf(tool.name));
    const matched = [...nameWords].filter((word) => words.has(word)).length;
    const share = nameWords.size === 0 ? 0 : matched / nameWords.size;
    return { tool, score: score * (0.5 + 0.5 * share) };
  });
  return ranked.sort((a, b) => b.score - a.score);
}

function weightsOf({ name, description, definition }: DownstreamTool): Map<string, number> {
  const weights = new Map<string, number>();
  const add = (words: readonly string[], weight: number): void => {
    for (const word of new Set(words)) weights.set(word, Math.max(weights.get(word) ?? 0, weight));
  };
  add(
    Object.keys(definition.inputSchema.properties ?? {})
      .slice(0, 50)
      .flatMap(wordsOf),
    PARAMETER_WEIGHT,
  );
  add(wordsOf(description).slice(0, DESCRIPTION_WORDS), 1);
  add(wordsOf(name), NAME_WEIGHT);
  return weights;
}

/** Words in their stems; `readTextFile` and `read_text_file` are three. */
function wordsOf(text: string): string[] {
  return text
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter((word) => word.length > 1 && !STOP_WORDS.has(word))
    .map((word) => stemmer(word));
}
