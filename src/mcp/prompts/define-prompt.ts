import type { OrchestratorPort } from '../../core/orchestrator-port.js';

/** One argument of a prompt; arguments are always texts. */
export interface PromptArgument {
  readonly name: string;
  readonly description: string;
  /** Longest value, in characters. */
  readonly maxChars: number;
  /** Values that fit, for completion. */
  suggest?(orchestrator: OrchestratorPort): readonly string[];
}

/** A prompt, free of any SDK: its arguments, all of them required, and the text that is made of them. */
export interface Prompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly PromptArgument[];
  /** @throws TypeError, by `misuse()`, for an argument that means nothing here. */
  write(values: Readonly<Record<string, string>>, orchestrator: OrchestratorPort): string;
}
