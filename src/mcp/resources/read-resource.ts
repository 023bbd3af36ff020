import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  type TextResourceContents,
} from '@modelcontextprotocol/server';
import { finiteOrNull } from '../../core/finite-or-null.js';
import type { MachineDocument } from '../../core/machine-document.js';
import type { OrchestratorPort } from '../../core/orchestrator-port.js';
import { writeJson } from '../../core/safe-json.js';
import { toWireList, toWireService } from '../tools/list-services.tool.js';
import { cut, MAX_RESULT_BYTES } from '../wire-result.js';
import type { ResourceSources } from './resource-sources.js';
import { JSON_TYPE, MERMAID_TYPE, machineUri, parseResourceUri } from './resource-uri.js';

/**
 * What `resources/read` answers.
 *
 * @param principal - Who asks: a run is shown to its own principal only.
 * @throws ResourceNotFoundError for an address that is none of ours or where nothing is.
 */
export function readResource(
  uri: string,
  principal: string | null,
  sources: ResourceSources,
): TextResourceContents[] {
  return locate(uri, principal, sources)();
}

/** Checks that there is something at an address. @throws ResourceNotFoundError as {@link readResource}. */
export function requireResource(uri: string, principal: string | null, sources: ResourceSources): void {
  locate(uri, principal, sources);
}

/** Finds what an address points at; the contents are made when the function is called. */
function locate(
  uri: string,
  principal: string | null,
  { orchestrator, runs }: ResourceSources,
): () => TextResourceContents[] {
  const target = parseResourceUri(uri);
  switch (target?.kind) {
    case 'services':
      return () => [json(uri, toWireList(orchestrator, true), () => toWireList(orchestrator, false))];
    case 'stats':
      return () => [json(uri, finiteCounts(orchestrator))];
    case 'service': {
      const service = orchestrator.listServices().find(({ name }) => name === target.name);
      if (service === undefined) throw notFound(uri);
      return () => [json(uri, toWireService(service, true), () => toWireService(service, false))];
    }
    case 'machine': {
      const machine = orchestrator.machines?.().find(({ name }) => name === target.name);
      if (machine === undefined) throw notFound(uri);
      if (target.form === 'mermaid') return () => [diagram(uri, machine)];
      return () => [json(uri, machine.config), diagram(machineUri(machine.name, 'mermaid'), machine)];
    }
    case 'run': {
      const run = runs?.get(target.id, principal);
      if (run === undefined) throw notFound(uri);
      return () => [{ uri, mimeType: JSON_TYPE, text: run }];
    }
    case undefined:
      throw notFound(uri);
  }
}

function diagram(uri: string, { mermaid }: MachineDocument): TextResourceContents {
  return { uri, mimeType: MERMAID_TYPE, text: mermaid };
}

/** @param shorter - What to send when the value is too large, if there is such a thing. */
function json(uri: string, value: unknown, shorter?: () => unknown): TextResourceContents {
  const written = writeJson(value, MAX_RESULT_BYTES);
  if (written.kind === 'json') return { uri, mimeType: JSON_TYPE, text: written.json };
  if (shorter !== undefined) return json(uri, shorter());
  const message = `${cut(uri, 200)} is larger than ${MAX_RESULT_BYTES} bytes; ask listServices with a query, or getRun.`;
  throw new ProtocolError(ProtocolErrorCode.InternalError, message);
}

function finiteCounts(orchestrator: OrchestratorPort): object {
  const { maxParallel, ...counts } = orchestrator.stats();
  return { maxParallel: finiteOrNull(maxParallel), ...counts };
}

function notFound(uri: string): ResourceNotFoundError {
  return new ResourceNotFoundError(cut(uri, 200));
}
