import { Agent, type Model, type ModelResponse, Runner, tool, Usage } from '@openai/agents';
import { createOrchestrator } from 'gaffr';
import { fromOpenAIAgent, openaiAgentTools } from 'gaffr/openai-agents';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { office, until } from './support.js';

type Output = ModelResponse['output'];

const call = (callId: string, name: string, args: object): Output[number] => ({
  type: 'function_call',
  id: callId,
  callId,
  name,
  arguments: JSON.stringify(args),
  status: 'completed',
});
const says = (text: string): Output[number] => ({
  type: 'message',
  id: 'm',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text }],
});

/** A model that plays its answers, one a turn, and keeps what it was asked. */
function scripted(...turns: Output[]): Model & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    async getResponse(request) {
      const output = turns[asked.length] ?? [];
      asked.push(request);
      return { usage: new Usage(), output, responseId: `r${asked.length}` };
    },
    async *getStreamedResponse() {},
  };
}

const runner = () => new Runner({ tracingDisabled: true });

describe('openaiAgentTools()', () => {
  it('serves an agent, and goes on when a task fails or the arguments are wrong', async () => {
    const { orchestrator, seen } = office();
    const model = scripted(
      [
        call('a', 'execute', { task: 'hi', service: 'echo', priority: null, kwargs: { pages: 2 } }),
        call('b', 'execute', { task: 'x', service: 'broken' }),
        call('c', 'execute', { pages: 2 }),
        call('d', 'listServices', {}),
      ],
      [says('done')],
    );
    const agent = new Agent({ name: 'Lead', model, tools: openaiAgentTools(orchestrator) });

    const result = await runner().run(agent, 'go');

    expect(result.finalOutput).toBe('done');
    expect(seen).toEqual(['echo hi']);
    const outputs = result.newItems.flatMap((item) =>
      item.type === 'tool_call_output_item' ? [JSON.parse(String(item.output))] : [],
    );
    expect(outputs).toMatchObject([
      { status: 'completed', result: { said: 'hi', kwargs: { pages: 2 } } },
      { status: 'failed', errorCode: 'SERVICE_FAILED' },
      { status: 'refused', error: expect.stringContaining('task') },
      { services: [{ name: 'echo' }, { name: 'broken' }, { name: 'slow' }] },
    ]);
    expect(model.asked[0]).toMatchObject({
      tools: [
        { name: 'execute', strict: false, parameters: { type: 'object', required: ['task'] } },
        { name: 'executeParallel' },
        { name: 'listServices' },
        { name: 'executeSubtasks' },
        { name: 'explainRoute' },
      ],
    });
  });

  it('cancels the tasks when the run is aborted', async () => {
    const { orchestrator, seen } = office();
    const model = scripted([
      call('a', 'execute', { task: 'one', service: 'slow' }),
      call('b', 'execute', { task: 'two', service: 'slow' }),
    ]);
    const agent = new Agent({ name: 'Lead', model, tools: openaiAgentTools(orchestrator) });
    const abort = new AbortController();
    const run = runner().run(agent, 'go', { signal: abort.signal });
    run.catch(() => {});
    await until(() => seen.length === 2);
    abort.abort();

    await expect(run).rejects.toThrow();
    await until(() => seen.length === 4);
    expect(orchestrator.stats()).toMatchObject({ running: 0, cancelled: 2 });
  });

  it('refuses what is no JSON without ending the run', async () => {
    const { orchestrator } = office();
    const [execute] = openaiAgentTools(orchestrator, { tools: ['execute'] });
    expect(JSON.parse((await execute?.invoke(null, '{"task":')) ?? '')).toMatchObject({ status: 'refused' });
    expect(JSON.parse((await execute?.invoke(null, '')) ?? '')).toMatchObject({ status: 'refused' });
  });
});

describe('fromOpenAIAgent()', () => {
  it('is routed to, gives its tools the kwargs as context, and tells of each tool', async () => {
    let context: unknown;
    const look = tool({
      name: 'look',
      description: 'looks',
      parameters: z.object({}),
      execute: (_input, run) => {
        context = run?.context;
        return 'found';
      },
    });
    const model = scripted([call('a', 'look', {})], [says('It is 42.')]);
    const agent = new Agent({
      name: 'Researcher',
      handoffDescription: 'Researches facts',
      model,
      tools: [look],
    });
    const orchestrator = createOrchestrator({
      services: { research: fromOpenAIAgent(agent, { runner: runner() }), chat: () => 'no' },
    });
    const progress: unknown[] = [];

    const result = await orchestrator.execute('Do it', {
      service: 'research',
      kwargs: { depth: 2 },
      onProgress: (fraction, message) => void progress.push([fraction, message]),
    });

    expect(result).toMatchObject({ success: true, result: 'It is 42.' });
    expect(context).toEqual({ taskId: result.taskId, kwargs: { depth: 2 } });
    expect(progress).toEqual([[0.25, 'look']]);
    expect(orchestrator.listServices()[0]?.description).toBe('Researches facts');
  });

  it('is aborted with its task, down to its model', async () => {
    const seen: string[] = [];
    const model: Model = {
      getResponse: ({ signal }) =>
        new Promise((_resolve, reject) => {
          seen.push('started');
          signal?.addEventListener('abort', () => {
            seen.push('aborted');
            reject(signal.reason);
          });
        }),
      async *getStreamedResponse() {},
    };
    const agent = new Agent({ name: 'Slow', model });
    const orchestrator = createOrchestrator({
      services: { slow: fromOpenAIAgent(agent, { runner: runner() }) },
    });
    const handle = orchestrator.submit('x');
    await until(() => seen.length === 1);
    handle.cancel();
    expect((await handle.result()).status).toBe('cancelled');
    await until(() => seen.length === 2 && orchestrator.stats().abandoned === 0);
  });

  it('fails the task when it stops for an approval, turns too often, or is refused', async () => {
    const send = tool({
      name: 'send',
      description: 'sends',
      parameters: z.object({}),
      needsApproval: true,
      execute: () => 'sent',
    });
    const asks = new Agent({ name: 'Asks', model: scripted([call('a', 'send', {})]), tools: [send] });
    const turns = scripted(...Array.from({ length: 20 }, () => [call('a', 'look', {})]));
    const look = tool({ name: 'look', description: 'looks', parameters: z.object({}), execute: () => 'no' });
    const loops = new Agent({ name: 'Loops', model: turns, tools: [look] });
    const refused: Model = {
      getResponse: async () => {
        throw Object.assign(new Error('bad key'), { status: 401 });
      },
      async *getStreamedResponse() {},
    };
    const keyless = new Agent({ name: 'Keyless', model: refused });
    const options = { runner: runner() };
    const orchestrator = createOrchestrator({
      services: {
        asks: fromOpenAIAgent(asks, options),
        loops: fromOpenAIAgent(loops, { ...options, maxTurns: 3 }),
        keyless: fromOpenAIAgent(keyless, options),
      },
    });

    const results = await orchestrator.executeParallel(
      ['asks', 'loops', 'keyless'].map((service) => ({ task: 'x', service })),
    );

    expect(results).toMatchObject([
      { errorCode: 'NEEDS_INPUT', errorDetails: { asked: ['approval of send'] } },
      { errorCode: 'SERVICE_FAILED', attempts: 1, error: expect.stringContaining('MaxTurnsExceededError') },
      { errorCode: 'SERVICE_AUTH_REQUIRED' },
    ]);
  });
});
