import {
  ProtocolError,
  ProtocolErrorCode,
  type Resource,
  type ResourceTemplateType,
} from '@modelcontextprotocol/server';
import { cut } from '../wire-result.js';
import type { ResourceSources } from './resource-sources.js';
import { JSON_TYPE, MERMAID_TYPE, machineUri, SERVICES_URI, STATS_URI, serviceUri } from './resource-uri.js';

/** Services on one page of the list. */
const PAGE_SIZE = 100;
const DESCRIPTION_CHARS = 200;

/** One page of what `resources/list` answers: what is always there, then the services in order of registration. */
export interface ResourcePage {
  readonly resources: Resource[];
  readonly nextCursor?: string;
}

/** @throws ProtocolError for a cursor that none of these pages gave out. */
export function listResources({ orchestrator }: ResourceSources, cursor: string | undefined): ResourcePage {
  const from = cursor === undefined ? 0 : Number(cursor);
  if (cursor !== undefined && !(/^\d{1,9}$/.test(cursor) && from > 0)) {
    const message = `The cursor ${JSON.stringify(cut(cursor, 50))} is none of resources/list; begin without one.`;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
  }
  const services = orchestrator.listServices();
  const page = services.slice(from, from + PAGE_SIZE).map(({ name, description }) => ({
    uri: serviceUri(name),
    name: `service ${name}`,
    title: `Service ${name}`,
    description: cut(description, DESCRIPTION_CHARS),
    mimeType: JSON_TYPE,
  }));
  const resources = from === 0 ? [...fixedResources(orchestrator.machines?.() ?? []), ...page] : page;
  const next = from + PAGE_SIZE;
  return next < services.length ? { resources, nextCursor: String(next) } : { resources };
}

/** What `resources/templates/list` answers. Runs are there only when there is a store of them. */
export function listTemplates({ orchestrator, runs }: ResourceSources): ResourceTemplateType[] {
  const templates: ResourceTemplateType[] = [
    {
      uriTemplate: 'gaffr://services/{name}',
      name: 'service',
      title: 'One service',
      description: 'What it is good at, its instances, its circuit, what waits for it, its last error.',
      mimeType: JSON_TYPE,
    },
  ];
  if (orchestrator.machines !== undefined) {
    templates.push(
      {
        uriTemplate: 'gaffr://machines/{name}',
        name: 'machine',
        title: 'One state machine',
        description: "XState's configuration, which Stately's editor takes, and a Mermaid diagram.",
      },
      {
        uriTemplate: 'gaffr://machines/{name}/mermaid',
        name: 'machine-diagram',
        title: 'One state machine as a diagram',
        description: 'The Mermaid diagram alone.',
        mimeType: MERMAID_TYPE,
      },
    );
  }
  if (runs !== undefined) {
    templates.push({
      uriTemplate: 'gaffr://runs/{id}',
      name: 'run',
      title: 'One run',
      description: 'State and result of the work of one call, by the runId that it answered.',
      mimeType: JSON_TYPE,
    });
  }
  return templates;
}

function fixedResources(
  machines: readonly { readonly name: string; readonly description: string }[],
): Resource[] {
  return [
    {
      uri: SERVICES_URI,
      name: 'services',
      title: 'All services',
      description: 'What can do work here, whether it is free, and how much waits for it.',
      mimeType: JSON_TYPE,
    },
    {
      uri: STATS_URI,
      name: 'stats',
      title: 'Counts',
      description: 'Tasks running, waiting, and ended since the start, by outcome.',
      mimeType: JSON_TYPE,
    },
    ...machines.flatMap(({ name, description }) => [
      { uri: machineUri(name), name: `machine ${name}`, title: `State machine ${name}`, description },
      {
        uri: machineUri(name, 'mermaid'),
        name: `machine ${name} diagram`,
        title: `State machine ${name} as a diagram`,
        description,
        mimeType: MERMAID_TYPE,
      },
    ]),
  ];
}
