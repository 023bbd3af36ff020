import {
  type GetPromptResult,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
} from '@modelcontextprotocol/server';
import type { Log } from '../../core/environment.js';
import type { OrchestratorPort } from '../../core/orchestrator-port.js';
import { guardHandler } from '../guard-handler.js';
import { cut } from '../wire-result.js';
import type { Prompt } from './define-prompt.js';
import { findPrompt, PROMPTS } from './prompt-table.js';

/** Puts the prompts on a server. */
export function registerPrompts(server: Server, orchestrator: OrchestratorPort, log: Log): void {
  server.setRequestHandler('prompts/list', () => ({ prompts: PROMPTS.map(listingOf) }));
  server.setRequestHandler('prompts/get', ({ params: { name, arguments: given = {} } }) =>
    guardHandler(log, 'prompts/get', (): GetPromptResult => {
      const prompt = findPrompt(name);
      if (prompt === undefined) throw unknownPrompt(name);
      checkArguments(prompt, given);
      const text = writeOrRefuse(prompt, given, orchestrator);
      return {
        description: prompt.description,
        messages: [{ role: 'user', content: { type: 'text', text } }],
      };
    }),
  );
}

/** @throws ProtocolError that names the prompts there are. */
export function unknownPrompt(name: string): ProtocolError {
  const known = PROMPTS.map((prompt) => prompt.name).join(', ');
  return refusal(`There is no prompt ${JSON.stringify(cut(name, 100))}; known: ${known}.`);
}

function listingOf({ name, title, description, arguments: args }: Prompt) {
  return {
    name,
    title,
    description,
    arguments: args.map((each) => ({ name: each.name, description: each.description, required: true })),
  };
}

function checkArguments(prompt: Prompt, given: Readonly<Record<string, string>>): void {
  for (const { name, maxChars } of prompt.arguments) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || value.trim() === '') {
      throw refusal(`The prompt ${prompt.name} needs the argument "${name}".`);
    }
    if (value.length > maxChars) {
      throw refusal(`"${name}" has ${value.length} characters and may have ${maxChars}; shorten it.`);
    }
  }
  const known = prompt.arguments.map(({ name }) => name);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const what = JSON.stringify(cut(unknown, 100));
  throw refusal(`The prompt ${prompt.name} has no argument ${what}; known: ${known.join(', ')}.`);
}

function writeOrRefuse(
  prompt: Prompt,
  given: Readonly<Record<string, string>>,
  orchestrator: OrchestratorPort,
): string {
  try {
    return prompt.write(given, orchestrator);
  } catch (cause) {
    if (cause instanceof TypeError && 'code' in cause && cause.code === 'INVALID_INPUT') {
      throw refusal(cause.message);
    }
    throw cause;
  }
}

function refusal(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
