import { Agent } from '@mastra/core/agent';
import type { MastraModelConfig } from '@mastra/core/llm';
import { MastraLanguageModelV2Mock } from '@mastra/core/test-utils/llm-mock';
import { createTool } from '@mastra/core/tools';
import { createOrchestrator } from 'gaffr';
import { fromMastraAgent, mastraTools } from 'gaffr/mastra';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { office, until } from './support.js';

/** The mock's own types miss `undefined` where the compiler is told to tell it from absence. */
type Generate = NonNullable<
  NonNullable<ConstructorParameters<typeof MastraLanguageModelV2Mock>[0]>['doGenerate']
>;
type Generated = object;
const asModel = (mock: MastraLanguageModelV2Mock) => mock as MastraModelConfig;

const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
const calls = (...named: [string, object][]): Generated => ({
  content: named.map(([toolName, args], index) => ({
    type: 'tool-call',
    toolCallId: `call-${index}`,
    toolName,
    input: JSON.stringify(args),
  })),
  finishReason: 'tool-calls',
  usage,
  warnings: [],
});
const says = (text: string): Generated => ({
  content: [{ type: 'text', text }],
  finishReason: 'stop',
  usage,
  warnings: [],
});

/** A model that plays its answers, one a step. */
function scripted(...answers: Generated[]): MastraLanguageModelV2Mock {
  let step = 0;
  return new MastraLanguageModelV2Mock({ doGenerate: (async () => answers[step++] ?? says('')) as Generate });
}

const base = { id: 'lead', name: 'lead', instructions: 'Lead.' };

describe('mastraTools()', () => {
  it('serves an agent, and goes on when a task fails or the arguments are wrong', async () => {
    const { orchestrator, seen } = office();
    const model = scripted(
      calls(
        ['execute', { task: 'hi', service: 'echo' }],
        ['execute', { task: 'x', service: 'broken' }],
        ['execute', { pages: 2 }],
      ),
      says('done'),
    );
    const agent = new Agent({
      ...base,
      model: asModel(model),
      tools: mastraTools(orchestrator, { createTool }),
    });

    const { text, toolResults } = await agent.generate('go');

    expect(text).toBe('done');
    expect(seen).toEqual(['echo hi']);
    expect(toolResults.map(({ payload }) => payload.result)).toMatchObject([
      { status: 'completed', result: { said: 'hi' } },
      { status: 'failed', errorCode: 'SERVICE_FAILED' },
      { error: true },
    ]);
    expect(model.doGenerateCalls[0]?.tools?.map(({ name }) => name)).toEqual([
      'execute',
      'executeParallel',
      'listServices',
      'executeSubtasks',
      'explainRoute',
    ]);
  });

  it('cancels the task when the run is aborted', async () => {
    const { orchestrator, seen } = office();
    const model = scripted(calls(['execute', { task: 'x', service: 'slow' }]));
    const agent = new Agent({
      ...base,
      model: asModel(model),
      tools: mastraTools(orchestrator, { createTool }),
    });
    const abort = new AbortController();
    const run = agent.generate('go', { abortSignal: abort.signal });
    run.catch(() => {});
    await until(() => seen.length === 1);
    abort.abort();
    await until(() => seen.length === 2);
    await run.catch(() => {});
    expect(seen).toEqual(['slow started x', 'slow aborted x']);
    expect(orchestrator.stats()).toMatchObject({ running: 0, cancelled: 1 });
  });

  it('shows progress in the agent’s stream', async () => {
    const { orchestrator } = office();
    let step = 0;
    const parts = [
      [
        { type: 'stream-start', warnings: [] },
        { type: 'tool-call', toolCallId: 'c', toolName: 'execute', input: '{"task":"hi","service":"echo"}' },
        { type: 'finish', finishReason: 'tool-calls', usage },
      ],
      [
        { type: 'stream-start', warnings: [] },
        { type: 'text-start', id: 't' },
        { type: 'text-delta', id: 't', delta: 'done' },
        { type: 'text-end', id: 't' },
        { type: 'finish', finishReason: 'stop', usage },
      ],
    ] as const;
    const model = new MastraLanguageModelV2Mock({
      doStream: async () => ({
        stream: new ReadableStream({
          start(controller) {
            for (const part of parts[step++] ?? []) controller.enqueue(part as never);
            controller.close();
          },
        }),
      }),
    });
    const agent = new Agent({
      ...base,
      model: asModel(model),
      tools: mastraTools(orchestrator, { createTool }),
    });
    const shown: unknown[] = [];
    const stream = await agent.stream('go');
    for await (const chunk of stream.fullStream) {
      if ((chunk.type as string) === 'data-gaffr-progress') shown.push((chunk as { data?: unknown }).data);
    }
    expect(shown).toEqual([{ tool: 'execute', progress: 0.5, message: 'half way' }]);
  });
});

describe('fromMastraAgent()', () => {
  it('is routed to, and answers text and usage with progress', async () => {
    const look = createTool({
      id: 'look',
      description: 'looks',
      inputSchema: z.object({}),
      execute: async () => ({ found: true }),
    });
    const agent = new Agent({
      ...base,
      description: 'Researches facts',
      model: asModel(scripted(calls(['look', {}]), says('It is 42.'))),
      tools: { look },
    });
    const orchestrator = createOrchestrator({
      services: { research: fromMastraAgent(agent), chat: () => 'no' },
    });
    const progress: unknown[] = [];
    const result = await orchestrator.execute('x', {
      service: 'research',
      onProgress: (_fraction, message) => void progress.push(message),
    });
    expect(result).toMatchObject({
      success: true,
      result: {
        text: 'It is 42.',
        finishReason: 'stop',
        steps: 2,
        usage: { inputTokens: 2, outputTokens: 2 },
      },
    });
    expect(progress).toEqual(['look', 'answered']);
    expect(orchestrator.listServices()[0]?.description).toBe('Researches facts');
  });

  it('is aborted with its task, down to its tool', async () => {
    const seen: string[] = [];
    const wait = createTool({
      id: 'wait',
      description: 'waits',
      inputSchema: z.object({}),
      execute: (_input, { abortSignal }) =>
        new Promise<{ ok: boolean }>((_resolve, reject) => {
          seen.push('started');
          abortSignal?.addEventListener('abort', () => {
            seen.push('aborted');
            reject(abortSignal.reason);
          });
        }),
    });
    const agent = new Agent({ ...base, model: asModel(scripted(calls(['wait', {}]))), tools: { wait } });
    const orchestrator = createOrchestrator({ services: { agent: fromMastraAgent(agent) } });
    const handle = orchestrator.submit('x');
    await until(() => seen.length === 1);
    handle.cancel();
    expect((await handle.result()).status).toBe('cancelled');
    await until(() => seen.length === 2 && orchestrator.stats().abandoned === 0);
  });

  it('fails the task when a tool suspends it', async () => {
    const ask = createTool({
      id: 'ask',
      description: 'asks',
      inputSchema: z.object({}),
      suspendSchema: z.object({ question: z.string() }),
      execute: async (_input, { agent }) => {
        await agent?.suspend({ question: 'may I?' });
      },
    });
    const agent = new Agent({ ...base, model: asModel(scripted(calls(['ask', {}]))), tools: { ask } });
    const orchestrator = createOrchestrator({ services: { agent: fromMastraAgent(agent) } });
    expect(await orchestrator.execute('x')).toMatchObject({ success: false, errorCode: 'NEEDS_INPUT' });
  });

  it('fails the task when its model fails', async () => {
    const model = new MastraLanguageModelV2Mock({
      doGenerate: async () => {
        throw Object.assign(new Error('bad key'), { statusCode: 401 });
      },
    });
    const agent = new Agent({ ...base, model: asModel(model), maxRetries: 0 });
    const orchestrator = createOrchestrator({ services: { agent: fromMastraAgent(agent) } });
    const result = await orchestrator.execute('x');
    expect(result).toMatchObject({ success: false, attempts: 1, errorCode: 'SERVICE_AUTH_REQUIRED' });
  });
});
