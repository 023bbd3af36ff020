import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import { toWireRoute } from '../wire-result.js';
import { defineLookingTool, ONLY_LOOKS } from './define-tool.js';
import { routeSchema } from './route.schema.js';

export const explainRouteTool = defineLookingTool({
  name: 'explainRoute',
  title: 'Explain a route',
  description:
    'Says which service a task would go to, how sure the router is, and which words spoke for each candidate. Executes nothing.',
  input: lazySchema(() => z.strictObject({ task: z.string().min(1).describe('The task in plain words.') })),
  output: routeSchema,
  annotations: ONLY_LOOKS,
  run: async ({ task }, { orchestrator }) => toWireRoute(await orchestrator.explain(task)),
  describe: ({ service, outcome, why, ranked }) => {
    const candidates = ranked.map((each) => `${each.service} ${each.confidence.toFixed(2)}`).join(', ');
    return `${service ?? 'no service'} (${outcome}: ${why}). Candidates: ${candidates || 'none'}.`;
  },
});
