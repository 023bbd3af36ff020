import { ProtocolError, ProtocolErrorCode, type Server } from '@modelcontextprotocol/server';
import type { Log } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { guardHandler } from './guard-handler.js';
import { findPrompt } from './prompts/prompt-table.js';
import { unknownPrompt } from './prompts/register-prompts.js';
import { cut } from './wire-result.js';

/** Most values of one answer; the protocol allows no more. */
const MOST_VALUES = 100;

/** Names that the templates of resources take, by template; those of runs are secrets. */
const TEMPLATE_NAMES: Readonly<Record<string, (orchestrator: OrchestratorPort) => readonly string[]>> = {
  'gaffr://services/{name}': serviceNames,
  'gaffr://machines/{name}': machineNames,
  'gaffr://machines/{name}/mermaid': machineNames,
  'gaffr://runs/{id}': () => [],
};

/** Completes names of services and machines, in arguments of prompts and in templates of resources. */
export function registerCompletions(server: Server, orchestrator: OrchestratorPort, log: Log): void {
  server.setRequestHandler('completion/complete', ({ params: { ref, argument } }) =>
    guardHandler(log, 'completion/complete', () => {
      const names =
        ref.type === 'ref/prompt'
          ? promptValues(ref.name, argument.name, orchestrator)
          : templateValues(ref.uri, orchestrator);
      const fitting = beginningFirst(names, argument.value);
      const values = fitting.slice(0, MOST_VALUES);
      return { completion: { values, total: fitting.length, hasMore: fitting.length > values.length } };
    }),
  );
}

function promptValues(name: string, argument: string, orchestrator: OrchestratorPort): readonly string[] {
  const prompt = findPrompt(name);
  if (prompt === undefined) throw unknownPrompt(name);
  return prompt.arguments.find((each) => each.name === argument)?.suggest?.(orchestrator) ?? [];
}

function templateValues(uri: string, orchestrator: OrchestratorPort): readonly string[] {
  const names = Object.hasOwn(TEMPLATE_NAMES, uri) ? TEMPLATE_NAMES[uri] : undefined;
  if (names !== undefined) return names(orchestrator);
  const message = `There is no resource template ${JSON.stringify(cut(uri, 200))}; see resources/templates/list.`;
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}

/** Names that begin with what was typed, then those that contain it; the case of letters does not matter. */
function beginningFirst(names: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase();
  const containing = names.filter((name) => name.toLowerCase().includes(wanted));
  const begins = (name: string): boolean => name.toLowerCase().startsWith(wanted);
  return [...containing.filter(begins), ...containing.filter((name) => !begins(name))];
}

function serviceNames(orchestrator: OrchestratorPort): readonly string[] {
  return orchestrator.listServices().map(({ name }) => name);
}

function machineNames(orchestrator: OrchestratorPort): readonly string[] {
  return orchestrator.machines?.().map(({ name }) => name) ?? [];
}
