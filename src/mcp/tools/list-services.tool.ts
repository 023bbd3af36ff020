import * as z from 'zod';
import { finiteOrNull } from '../../core/finite-or-null.js';
import { lazySchema } from '../../core/lazy-schema.js';
import type { OrchestratorPort } from '../../core/orchestrator-port.js';
import type { ServiceStatus } from '../../core/service.js';
import { cut } from '../wire-result.js';
import { defineLookingTool, ONLY_LOOKS } from './define-tool.js';

const SHORT_CHARS = 200;
const SHORT_CAPABILITIES = 8;

const states = () => z.enum(['idle', 'busy', 'retrying', 'failed']);
const limit = () => z.number().nullable().describe('null: no limit.');

const serviceSchema = lazySchema(() =>
  z.object({
    name: z.string(),
    description: z.string(),
    capabilities: z.array(z.string()),
    state: states().describe('The worst state of its instances; failed: its circuit is open.'),
    instances: z.object({ idle: z.number(), busy: z.number(), retrying: z.number(), failed: z.number() }),
    concurrency: limit(),
    queued: z.number(),
    completed: z.number(),
    failed: z.number(),
    lastError: z.string().nullable(),
    retryAt: z.string().nullable().describe('When an open circuit is probed next, ISO 8601.'),
  }),
);

export const listServicesTool = defineLookingTool({
  name: 'listServices',
  title: 'List the services',
  description:
    'Lists what can do work here: what each service is good at, whether it is free, and how much waits for it.',
  input: lazySchema(() =>
    z.strictObject({
      query: z
        .string()
        .optional()
        .describe('Only services whose name, description or capabilities contain this text.'),
      state: states().optional().describe('Only services in this state.'),
      detail: z
        .boolean()
        .default(false)
        .describe('Whether long descriptions and lists of capabilities come whole.'),
    }),
  ),
  output: lazySchema(() =>
    z.object({
      services: z.array(serviceSchema.schema),
      maxParallel: limit(),
      running: z.number(),
      queued: z.number(),
    }),
  ),
  annotations: ONLY_LOOKS,
  run: async ({ query = '', state, detail }, { orchestrator }) =>
    toWireList(
      orchestrator,
      detail,
      (service) => (state === undefined || service.state === state) && mentions(service, query),
    ),
  describe: ({ services, running, queued }) => {
    const lines = services.map(
      ({ name, state, description }) => `${name} (${state}): ${cut(description, SHORT_CHARS)}`,
    );
    return [`${services.length} services, ${running} tasks running, ${queued} waiting.`, ...lines].join('\n');
  },
});

/** The services as they are sent. @param isWhole - Whether long descriptions and lists of capabilities come whole. */
export function toWireList(
  orchestrator: OrchestratorPort,
  isWhole: boolean,
  isWanted: (service: ServiceStatus) => boolean = () => true,
) {
  const services = orchestrator
    .listServices()
    .filter(isWanted)
    .map((service) => toWireService(service, isWhole));
  const { maxParallel, running, queued } = orchestrator.stats();
  return { services, maxParallel: finiteOrNull(maxParallel), running, queued };
}

function mentions({ name, description, capabilities }: ServiceStatus, query: string): boolean {
  const wanted = query.trim().toLowerCase();
  return [name, description, ...capabilities].some((text) => text.toLowerCase().includes(wanted));
}

/** One service as it is sent. */
export function toWireService(service: ServiceStatus, isWhole: boolean): z.output<typeof serviceSchema> {
  const { name, description, capabilities, state, instances, concurrency } = service;
  const { queued, completed, failed, lastError, retryAt } = service;
  return {
    name,
    description: isWhole ? description : cut(description, SHORT_CHARS),
    capabilities: capabilities.slice(0, isWhole ? undefined : SHORT_CAPABILITIES),
    state,
    instances: { ...instances },
    concurrency: finiteOrNull(concurrency),
    queued,
    completed,
    failed,
    lastError: lastError === null ? null : cut(lastError, isWhole ? 4000 : SHORT_CHARS),
    retryAt,
  };
}
