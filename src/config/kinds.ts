/**
 * How each kind of service is made from its options. A kind's code is loaded when the first service of that kind is made.
 */

import type { Service } from '../core/service.js';
import type { ServiceSpec, SpecOf } from './kind-schemas.js';

type Kind = ServiceSpec['kind'];

/** Makes one service of a kind. */
type Factory<K extends Kind> = (spec: SpecOf<K>) => Promise<Service>;

/** The kinds of services. */
export const KINDS: { readonly [K in Kind]?: Factory<K> } = {
  builtin: makeBuiltin,
  async module(spec) {
    const { moduleOptionsSchema, moduleService } = await import('../services/module.js');
    return moduleService(pick(spec, moduleOptionsSchema.shape));
  },
  async openai(spec) {
    const { createOpenAIService, openaiOptionsSchema } = await import('../services/openai.js');
    return createOpenAIService(pick(spec, openaiOptionsSchema.shape));
  },
};

async function makeBuiltin(spec: SpecOf<'builtin'>): Promise<Service> {
  switch (spec.name) {
    case 'vision': {
      const { createVisionService, visionOptionsSchema } = await import('../services/builtin/vision.js');
      return createVisionService(pick(spec, visionOptionsSchema.shape));
    }
    case 'responses': {
      const { createResponsesService, responsesOptionsSchema } = await import(
        '../services/builtin/responses.js'
      );
      return createResponsesService(pick(spec, responsesOptionsSchema.shape));
    }
    case 'reasoning': {
      const { createReasoningService, reasoningOptionsSchema } = await import(
        '../services/builtin/reasoning.js'
      );
      return createReasoningService(pick(spec, reasoningOptionsSchema.shape));
    }
    case 'chat': {
      const { chatOptionsSchema, createChatService } = await import('../services/builtin/chat.js');
      return createChatService(pick(spec, chatOptionsSchema.shape));
    }
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
