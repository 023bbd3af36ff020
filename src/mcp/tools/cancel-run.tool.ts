import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import { defineTool, type ToolAnnotations } from './define-tool.js';
import { anyRunSchema, runReference } from './run.schema.js';

/** How long a cancel waits until its run has really ended, in seconds: an engine elsewhere has to be told first. */
const SETTLE_SECONDS = 1;

const STOPS_WORK: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

export const cancelRunTool = defineTool({
  name: 'cancelRun',
  title: 'Cancel a run',
  description: 'Stops a run that is under way. What has ended stays as it is; getRun still has the results.',
  input: lazySchema(() =>
    z.strictObject({
      ...runReference(),
      reason: z.string().max(1000).optional().describe('Why, for the results and the log.'),
    }),
  ),
  output: lazySchema(() =>
    z.object({
      runId: z.string(),
      status: anyRunSchema.shape.status.describe(
        'That of getRun; running only while a service far away has not heard of it yet.',
      ),
      wasRunning: z.boolean().describe('Whether there was anything to stop.'),
    }),
  ),
  annotations: STOPS_WORK,
  async run({ runId, reason }, { runs, principal, presence }) {
    const run = await runs.findAnywhere(runId, principal);
    const wasRunning = !run.hasEnded;
    runs.cancel(run, reason === undefined ? undefined : new Error(reason));
    await runs.answerOf(run, { waitSeconds: SETTLE_SECONDS, presence });
    return { runId, status: run.status as z.output<typeof anyRunSchema>['status'], wasRunning };
  },
  describe: ({ runId, status, wasRunning }) =>
    wasRunning ? `Run ${runId} was stopped: ${status}.` : `Run ${runId} had ended already: ${status}.`,
});
