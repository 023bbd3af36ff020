import type { Prompt } from './define-prompt.js';
import { delegatePrompt } from './delegate.prompt.js';
import { diagnosePrompt } from './diagnose.prompt.js';

/** Every prompt in the order in which clients see them. */
export const PROMPTS: readonly Prompt[] = [delegatePrompt, diagnosePrompt];

/** The prompt of a name, or undefined. */
export function findPrompt(name: string): Prompt | undefined {
  return PROMPTS.find((prompt) => prompt.name === name);
}
