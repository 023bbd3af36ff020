import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import { ONLY_LOOKS, type Tool } from './define-tool.js';
import { anyRunSchema, pollArguments, runReference } from './run.schema.js';

const input = lazySchema(() => z.strictObject({ ...runReference(), ...pollArguments() }));

/** It answers as the tool that started the run would have, so it is written out, without a description of its own. */
export const getRunTool: Tool = {
  name: 'getRun',
  title: 'Get the result of a run',
  description:
    'Waits for the end of a run and returns what its call would have returned: the result, or status "running" again. A run is known by the runId of an earlier answer.',
  input,
  output: anyRunSchema,
  annotations: ONLY_LOOKS,
  startsRun: false,
  async answer(args, { runs, principal, presence, onProgress }) {
    const { runId, waitSeconds } = args as z.output<typeof input>;
    const run = await runs.findAnywhere(runId, principal);
    return runs.answerOf(run, { waitSeconds, presence, onProgress });
  },
};
