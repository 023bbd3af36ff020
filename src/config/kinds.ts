/**
 * How each kind of service is made from its options. A kind's code is loaded when the first service of that kind is made.
 */

import { join } from 'node:path';
import type { Service } from '../core/service.js';
import { addressSchema, childSchema } from './child-fields.js';
import type { ServiceSpec, SpecOf } from './kind-schemas.js';
import { userStateFolder } from './user-folders.js';

type Kind = ServiceSpec['kind'];

/** What a factory may know beside the options. */
export interface KindContext {
  /** What the service is called. */
  readonly name: string;
  /** Another service of the file. */
  readonly specOf: (name: string) => ServiceSpec | undefined;
}

/** Makes one service of a kind. */
type Factory<K extends Kind> = (spec: SpecOf<K>, context: KindContext) => Promise<Service>;

/** The kinds of services. */
export const KINDS: { readonly [K in Kind]: Factory<K> } = {
  builtin: makeBuiltin,
  async module(spec) {
    const { moduleOptionsSchema, moduleService } = await import('../services/module.js');
    return moduleService(pick(spec, moduleOptionsSchema.shape));
  },
  async openai(spec) {
    const { createOpenAIService, openaiOptionsSchema } = await import('../services/openai.js');
    return createOpenAIService(pick(spec, openaiOptionsSchema.shape));
  },
  mcp: makeDownstream,
  async subprocess(spec) {
    const { subprocessOptionsSchema, subprocessService } = await import('../services/subprocess.js');
    return subprocessService(pick(spec, subprocessOptionsSchema.shape));
  },
  async http(spec) {
    const { httpOptionsSchema, httpService } = await import('../services/http.js');
    return httpService(pick(spec, httpOptionsSchema.shape));
  },
};

async function makeDownstream(spec: SpecOf<'mcp'>, { name, specOf }: KindContext): Promise<Service> {
  const { mcpOptionsSchema } = await import('../services/mcp/mcp-options.js');
  const { mcpService } = await import('../services/mcp/mcp-service.js');
  const { fileToolLock } = await import('../services/mcp/tool-lock.js');
  const { planner: _planner, ...options } = pick(spec, mcpOptionsSchema.shape);
  const { command, url = '', idempotent } = spec;
  const planner = spec.planner === undefined ? undefined : await makePlanner(specOf(spec.planner));
  return mcpService({
    ...options,
    name,
    transport:
      command === undefined
        ? { kind: 'http', ...pick(spec, addressSchema.shape), url }
        : { kind: 'stdio', ...pick(spec, childSchema.shape), command },
    // What was approved once stays approved, and what changes is noticed, also from one start to the next.
    lock: fileToolLock(join(userStateFolder(process.env), 'tools.json')),
    ...(planner && { planner }),
    ...(idempotent !== undefined && { idempotent }),
  });
}

async function makePlanner(spec: ServiceSpec | undefined) {
  if (spec?.kind !== 'openai') return undefined;
  const { createToolPlanner, openaiOptionsSchema } = await import('../services/openai.js');
  return createToolPlanner(pick(spec, openaiOptionsSchema.shape));
}

async function makeBuiltin(spec: SpecOf<'builtin'>): Promise<Service> {
  const builtin = await import('../services/builtin/index.js');
  switch (spec.name) {
    case 'vision':
      return builtin.createVisionService(pick(spec, builtin.visionOptionsSchema.shape));
    case 'responses':
      return builtin.createResponsesService(pick(spec, builtin.responsesOptionsSchema.shape));
    case 'reasoning':
      return builtin.createReasoningService(pick(spec, builtin.reasoningOptionsSchema.shape));
    case 'chat':
      return builtin.createChatService(pick(spec, builtin.chatOptionsSchema.shape));
  }
}

/** Of a spec the fields that a service's own options have, without those that the file does not say. */
function pick<Spec extends object, Shape extends object>(
  spec: Spec,
  shape: Shape,
): { [Name in keyof Spec & keyof Shape]: Exclude<Spec[Name], undefined> } {
  const entries = Object.entries(spec).filter(
    ([name, value]) => Object.hasOwn(shape, name) && value !== undefined,
  );
  return Object.fromEntries(entries) as {
    [Name in keyof Spec & keyof Shape]: Exclude<Spec[Name], undefined>;
  };
}
