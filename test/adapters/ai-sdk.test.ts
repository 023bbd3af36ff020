import { generateText, type LanguageModel, stepCountIs, streamText, ToolLoopAgent, tool } from 'ai';
import { convertArrayToReadableStream, MockEmbeddingModelV4, MockLanguageModelV4 } from 'ai/test';
import { createOrchestrator, EmbeddingStrategy, LlmStrategy, type TaskResult } from 'gaffr';
import {
  aiSdkTools,
  embeddingModelEmbed,
  fromAiSdkAgent,
  fromLanguageModel,
  languageModelAsk,
  languageModelPlanner,
} from 'gaffr/ai-sdk';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { office, until } from './support.js';

type Generated = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>;
type StreamParts =
  Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never;

const usage = {
  inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};
const calls = (...named: [string, object][]): Generated => ({
  content: named.map(([toolName, args], index) => ({
    type: 'tool-call',
    toolCallId: `call-${index}`,
    toolName,
    input: JSON.stringify(args),
  })),
  finishReason: { unified: 'tool-calls', raw: undefined },
  usage,
  warnings: [],
});
const says = (text: string): Generated => ({
  content: [{ type: 'text', text }],
  finishReason: { unified: 'stop', raw: undefined },
  usage,
  warnings: [],
});

/** A model that plays its answers, one a step. */
const scripted = (...answers: Generated[]): MockLanguageModelV4 =>
  new MockLanguageModelV4({ doGenerate: answers });
const textStream = (...parts: StreamParts[]) => ({ stream: convertArrayToReadableStream(parts) });

describe('aiSdkTools()', () => {
  it('gives a model the five tools with their schemas', async () => {
    const { orchestrator } = office();
    const model = scripted(says('hello'));

    await generateText({ model, tools: aiSdkTools(orchestrator), prompt: 'go' });

    const listed = model.doGenerateCalls[0]?.tools ?? [];
    expect(listed.map(({ name }) => name)).toEqual([
      'execute',
      'executeParallel',
      'listServices',
      'executeSubtasks',
      'explainRoute',
    ]);
    const execute = listed[0];
    expect(execute?.type === 'function' && execute.inputSchema).toMatchObject({
      type: 'object',
      required: ['task'],
      additionalProperties: false,
    });
    const parallel = listed[1];
    expect(parallel?.type === 'function' && parallel.inputSchema.required).toEqual(['tasks']);
    expect(JSON.stringify(listed)).not.toMatch(/getRun|waitSeconds/);
  });

  it('answers a call with the typed result of the task', async () => {
    const { orchestrator } = office();
    const model = scripted(
      calls(['execute', { task: 'hi', service: 'echo', kwargs: { pages: 2 } }]),
      says('done'),
    );

    const { steps, text } = await generateText({
      model,
      tools: aiSdkTools(orchestrator),
      prompt: 'go',
      stopWhen: stepCountIs(3),
    });

    const [result] = steps[0]?.toolResults ?? [];
    expect(result?.output).toMatchObject({
      status: 'completed',
      serviceName: 'echo',
      result: { said: 'hi', kwargs: { pages: 2 } },
    });
    expect(result?.output).not.toHaveProperty('runId');
    expect(text).toBe('done');
    expect(JSON.stringify(model.doGenerateCalls[1]?.prompt)).toContain('"said":"hi"');
  });

  it('answers a task that failed, and arguments that are wrong, without ending the run', async () => {
    const { orchestrator } = office();
    const circle = [{ id: 'a', task: 'x', dependsOn: ['a'] }];
    const model = scripted(
      calls(
        ['execute', { task: 'x', service: 'broken' }],
        ['execute', { task: 'x', pages: 3 }],
        ['executeSubtasks', { subtasks: circle }],
      ),
      says('done'),
    );

    const { steps, text } = await generateText({
      model,
      tools: aiSdkTools(orchestrator),
      prompt: 'go',
      stopWhen: stepCountIs(3),
    });

    const results = steps[0]?.content.filter(({ type }) => type !== 'tool-call') ?? [];
    expect(results).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({
          type: 'tool-result',
          output: expect.objectContaining({ status: 'failed', errorCode: 'SERVICE_FAILED' }),
        }),
        expect.objectContaining({ type: 'tool-error' }),
        expect.objectContaining({
          type: 'tool-result',
          output: { status: 'refused', error: expect.stringContaining('circle') },
        }),
      ]),
    );
    expect(text).toBe('done');
  });

  it('cancels the tasks of all calls of a step when the run is aborted', async () => {
    const { orchestrator, seen } = office();
    const abort = new AbortController();
    const model = scripted(
      calls(
        ['execute', { task: 'one', service: 'slow' }],
        ['executeParallel', { tasks: [{ task: 'two', service: 'slow' }] }],
      ),
    );
    const run = generateText({
      model,
      tools: aiSdkTools(orchestrator),
      prompt: 'go',
      stopWhen: stepCountIs(3),
      abortSignal: abort.signal,
    });
    await until(() => seen.length === 2);
    abort.abort(new Error('enough'));

    await expect(run).rejects.toThrow('enough');
    await until(() => seen.length === 4);
    expect(seen.slice(2).sort()).toEqual(['slow aborted one', 'slow aborted two']);
    expect(orchestrator.stats()).toMatchObject({ running: 0, cancelled: 2 });
  });

  it('shows progress as preliminary results of a stream', async () => {
    const { orchestrator } = office();
    const steps: StreamParts[][] = [
      [
        { type: 'stream-start', warnings: [] },
        { type: 'tool-call', toolCallId: 'c', toolName: 'execute', input: '{"task":"hi","service":"echo"}' },
        { type: 'finish', finishReason: { unified: 'tool-calls', raw: undefined }, usage },
      ],
      [
        { type: 'stream-start', warnings: [] },
        { type: 'text-start', id: 't' },
        { type: 'text-delta', id: 't', delta: 'done' },
        { type: 'text-end', id: 't' },
        { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage },
      ],
    ];
    const model = new MockLanguageModelV4({ doStream: steps.map((parts) => textStream(...parts)) });
    const outputs: unknown[] = [];

    const { fullStream } = streamText({
      model,
      tools: aiSdkTools(orchestrator),
      prompt: 'go',
      stopWhen: stepCountIs(2),
    });
    for await (const part of fullStream) {
      if (part.type === 'tool-result') outputs.push([part.preliminary ?? false, part.output]);
    }

    expect(outputs[0]).toEqual([true, { status: 'running', progress: 0.5, message: 'half way' }]);
    expect(outputs.at(-1)).toMatchObject([false, { status: 'completed', result: { said: 'hi' } }]);
  });

  it('gives the work of a replayed call once when it is given a prefix', async () => {
    const { orchestrator, seen } = office();
    const tools = aiSdkTools(orchestrator, { tools: ['execute'], idempotencyPrefix: 'conversation-1' });
    const results: unknown[] = [];
    for (let turn = 0; turn < 2; turn += 1) {
      const model = scripted(calls(['execute', { task: 'pay', service: 'echo' }]));
      const { steps } = await generateText({ model, tools, prompt: 'go' });
      results.push(steps[0]?.toolResults[0]?.output);
    }

    expect(seen).toEqual(['echo pay']);
    expect((results[1] as TaskResult).taskId).toBe((results[0] as TaskResult).taskId);
  });
});

describe('fromAiSdkAgent()', () => {
  const slowTool = (seen: string[]) =>
    tool({
      description: 'waits',
      inputSchema: z.object({}),
      execute: (_input, { abortSignal }) =>
        new Promise((_resolve, reject) => {
          seen.push('tool started');
          abortSignal?.addEventListener('abort', () => {
            seen.push('tool aborted');
            reject(abortSignal.reason);
          });
        }),
    });

  it('is routed to, told its kwargs, and answers text and usage with progress', async () => {
    const model = scripted(calls(['look', {}]), says('It is 42.'));
    const look = tool({ description: 'looks', inputSchema: z.object({}), execute: () => 'found' });
    const agent = new ToolLoopAgent({ id: 'research', model, tools: { look } });
    const orchestrator = createOrchestrator({
      services: {
        research: fromAiSdkAgent(agent, { description: 'Researches facts', keywords: ['research'] }),
        chat: () => 'no',
      },
    });
    const progress: unknown[] = [];

    const result = await orchestrator.execute('Research the answer', {
      kwargs: { depth: 2 },
      onProgress: (fraction, message) => void progress.push([fraction, message]),
    });

    expect(result).toMatchObject({
      success: true,
      serviceName: 'research',
      result: {
        text: 'It is 42.',
        finishReason: 'stop',
        steps: 2,
        usage: { inputTokens: 6, outputTokens: 10 },
      },
    });
    expect(JSON.stringify(model.doGenerateCalls[0]?.prompt)).toContain('depth');
    expect(progress).toEqual([
      [0.25, 'look'],
      [0.4, 'answered'],
    ]);
  });

  it('is aborted down to its tool when the task is cancelled or times out', async () => {
    const seen: string[] = [];
    const agent = new ToolLoopAgent({
      model: new MockLanguageModelV4({ doGenerate: async () => calls(['wait', {}]) }),
      tools: { wait: slowTool(seen) },
    });
    const orchestrator = createOrchestrator({ services: { agent: fromAiSdkAgent(agent) } });
    const handle = orchestrator.submit('wait', { service: 'agent' });
    await until(() => seen.length === 1);
    handle.cancel('enough');

    expect(await handle.result()).toMatchObject({ status: 'cancelled' });
    await until(() => seen.length === 2);
    const late = await orchestrator.execute('wait', {
      service: 'agent',
      timeoutSeconds: 0.02,
      maxRetries: 0,
    });
    expect(late.status).toBe('timed_out');
    await until(() => seen.length === 4);
    await until(() => orchestrator.stats().abandoned === 0);
    expect(seen).toEqual(['tool started', 'tool aborted', 'tool started', 'tool aborted']);
  });

  it('runs no more of an agent at once than its concurrency', async () => {
    let running = 0;
    let most = 0;
    const model = new MockLanguageModelV4({
      doGenerate: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        return says('ok');
      },
    });
    const agent = fromAiSdkAgent(new ToolLoopAgent({ model }), { concurrency: 2 });
    const orchestrator = createOrchestrator({ services: { agent } });
    const results = await orchestrator.executeParallel(
      Array.from({ length: 7 }, (_, index) => `task ${index}`),
    );
    expect(results.every(({ success }) => success)).toBe(true);
    expect(most).toBe(2);
  });

  it('fails the task when it stops for an approval', async () => {
    const send = tool({ description: 'sends', inputSchema: z.object({}), execute: () => 'sent' });
    const agent = new ToolLoopAgent({
      id: 'mailer',
      model: scripted(calls(['send', {}]), says('sent')),
      tools: { send },
      toolApproval: { send: 'user-approval' },
    });
    const orchestrator = createOrchestrator({ services: { mailer: fromAiSdkAgent(agent) } });
    expect(await orchestrator.execute('x')).toMatchObject({
      success: false,
      attempts: 1,
      errorCode: 'NEEDS_INPUT',
      errorDetails: { asked: ['approval of send'] },
    });
  });

  it('tells what its provider said, and is not run again unless it is idempotent', async () => {
    const busy = Object.assign(new Error('overloaded'), { statusCode: 503 });
    const model = () =>
      new MockLanguageModelV4({
        doGenerate: async () => {
          throw busy;
        },
      });
    const [once, twice] = [model(), model()];
    const orchestrator = createOrchestrator({
      services: {
        once: fromAiSdkAgent(new ToolLoopAgent({ id: 'once', model: once, maxRetries: 0 })),
        twice: fromAiSdkAgent(new ToolLoopAgent({ id: 'twice', model: twice, maxRetries: 0 }), {
          idempotent: true,
        }),
      },
      config: { taskConfig: { maxRetries: 1, backoffBaseSeconds: 0.001 } },
    });

    const [first, second] = await orchestrator.executeParallel([
      { task: 'x', service: 'once' },
      { task: 'x', service: 'twice' },
    ]);
    expect(first).toMatchObject({
      success: false,
      attempts: 1,
      errorCode: 'SERVICE_FAILED',
      error: expect.stringContaining('overloaded'),
      errorDetails: { status: 503 },
    });
    expect(second).toMatchObject({ success: false, attempts: 2 });
    expect(once.doGenerateCalls).toHaveLength(1);
    expect(twice.doGenerateCalls).toHaveLength(2);
  });
});

describe('a LanguageModel', () => {
  const streaming = (...parts: StreamParts[]) =>
    new MockLanguageModelV4({ modelId: 'mock-1', doStream: async () => textStream(...parts) });
  const answer: StreamParts[] = [
    { type: 'stream-start', warnings: [] },
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: 'Hello, ' },
    { type: 'text-delta', id: 't', delta: 'you.' },
    { type: 'text-end', id: 't' },
    { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage },
  ];

  it('serves as chat', async () => {
    const model = streaming(...answer);
    const asked: LanguageModel = model;
    expect(asked).toBe(model);
    const orchestrator = createOrchestrator({
      services: { chat: fromLanguageModel(model, { system: 'Be kind.' }) },
    });

    const result = await orchestrator.execute('Say hello', { kwargs: { temperature: 0.5, tone: 'warm' } });

    expect(result.result).toEqual({
      text: 'Hello, you.',
      model: 'mock-1',
      finishReason: 'stop',
      usage: { promptTokens: 3, completionTokens: 5 },
    });
    expect(model.doStreamCalls[0]).toMatchObject({
      temperature: 0.5,
      prompt: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: [{ type: 'text', text: expect.stringContaining('"tone": "warm"') }] },
      ],
    });
  });

  it.each([
    [
      'an error in its stream',
      [{ type: 'error', error: new Error('cut off') }] as StreamParts[],
      'SERVICE_FAILED',
    ],
    ['an answer without end', answer, 'RESULT_TOO_LARGE'],
  ])('fails the task for %s', async (_case, parts, errorCode) => {
    const orchestrator = createOrchestrator({
      services: { chat: fromLanguageModel(streaming(...parts), { maxCharacters: 8, maxRetries: 0 }) },
    });
    expect(await orchestrator.execute('x')).toMatchObject({ success: false, errorCode });
  });

  it('is left with its task when its provider does not heed the signal', async () => {
    const seen: string[] = [];
    const model = new MockLanguageModelV4({
      doStream: async () => ({
        stream: new ReadableStream({
          start: () => void seen.push('started'),
          cancel: () => void seen.push('left'),
        }),
      }),
    });
    const orchestrator = createOrchestrator({ services: { chat: fromLanguageModel(model) } });
    const handle = orchestrator.submit('x');
    await until(() => seen.length === 1);
    handle.cancel();
    await until(() => seen.length === 2 && orchestrator.stats().abandoned === 0);
  });

  it('is aborted with its task', async () => {
    const seen: string[] = [];
    const model = new MockLanguageModelV4({
      doStream: async ({ abortSignal }) => ({
        stream: new ReadableStream({
          start(controller) {
            seen.push('started');
            abortSignal?.addEventListener('abort', () => {
              seen.push('aborted');
              controller.error(abortSignal.reason);
            });
          },
        }),
      }),
    });
    const orchestrator = createOrchestrator({ services: { chat: fromLanguageModel(model) } });
    const handle = orchestrator.submit('x');
    await until(() => seen.length === 1);
    handle.cancel();
    expect((await handle.result()).status).toBe('cancelled');
    await until(() => seen.length === 2);
  });

  it('plans calls of tools, whatever their names', async () => {
    const model = new MockLanguageModelV4({
      doGenerate: async ({ tools }) => calls([tools?.[1]?.name ?? '', { path: 'a.txt' }]),
    });
    const schema = { type: 'object', properties: { path: { type: 'string' } } };
    const tools = ['files/list all', 'files/read one'].map((name) => ({
      name,
      description: name,
      inputSchema: schema,
    }));

    const planned = await languageModelPlanner(model)('read a.txt', tools, new AbortController().signal);

    expect(planned).toEqual({ tool: 'files/read one', arguments: { path: 'a.txt' } });
    const none = languageModelPlanner(scripted(says('nothing fits')));
    expect(await none('x', tools, new AbortController().signal)).toBeNull();
  });

  it('routes tasks by LlmStrategy', async () => {
    const model = new MockLanguageModelV4({
      doGenerate: async ({ responseFormat }) => {
        expect(responseFormat).toMatchObject({ type: 'json', schema: { type: 'object' } });
        return says('{}');
      },
    });
    const orchestrator = createOrchestrator({
      services: { a: () => 'a', b: () => 'b' },
      strategy: new LlmStrategy({ ask: languageModelAsk(model) }),
      config: { routingConfig: { fallbackService: 'b' } },
    });
    expect((await orchestrator.execute('anything')).serviceName).toBe('b');
    expect(model.doGenerateCalls).toHaveLength(1);
  });

  it('routes tasks by EmbeddingStrategy, in calls as large as the model takes', async () => {
    const themes = ['rain', 'photo'];
    const model = new MockEmbeddingModelV4({
      maxEmbeddingsPerCall: 2,
      doEmbed: async ({ values }) => ({
        embeddings: values.map((text) => themes.map((theme) => text.split(theme).length - 1 + 0.01)),
        warnings: [],
      }),
    });
    const orchestrator = createOrchestrator({
      services: {
        weather: { examples: ['will it rain', 'rain or not'], execute: () => 'wet' },
        vision: { examples: ['the photo of a cat', 'a photo'], execute: () => 'cat' },
      },
      strategy: new EmbeddingStrategy({ embed: embeddingModelEmbed(model) }),
    });
    expect((await orchestrator.execute('a photo of me')).serviceName).toBe('vision');
    expect(model.doEmbedCalls.length).toBeGreaterThan(1);
    expect(model.doEmbedCalls.every(({ values }) => values.length <= 2)).toBe(true);
    const broken = new MockEmbeddingModelV4({
      doEmbed: async () => {
        throw Object.assign(new Error('busy'), { statusCode: 429 });
      },
    });
    const embedding = embeddingModelEmbed(broken)(['x'], new AbortController().signal);
    await expect(embedding).rejects.toMatchObject({ code: 'SERVICE_FAILED', facts: { status: 429 } });
  });

  it('is wanted itself, not its name', () => {
    expect(() => embeddingModelEmbed('openai/embed' as never)).toThrow(/doEmbed/);
    expect(() => fromLanguageModel('openai/gpt-5' as never)).toThrow(/doGenerate.*"openai\/gpt-5"/);
  });
});
