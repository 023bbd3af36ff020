import { AIMessage, HumanMessage } from '@langchain/core/messages';
import type { RunnableConfig } from '@langchain/core/runnables';
import { type StructuredToolInterface, tool } from '@langchain/core/tools';
import { Annotation, interrupt, MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { createOrchestrator } from 'gaffr';
import { fromLangGraph, langchainTools } from 'gaffr/langchain';
import { createAgent, fakeModel } from 'langchain';
import { describe, expect, it } from 'vitest';
import { office, until } from './support.js';

describe('langchainTools()', () => {
  it('makes the five tools with the application’s own tool()', () => {
    const { orchestrator } = office();
    const tools = langchainTools(orchestrator, { tool });
    expect(tools.map(({ name }) => name)).toEqual([
      'execute',
      'executeParallel',
      'listServices',
      'executeSubtasks',
      'explainRoute',
    ]);
    expect(new ToolNode(tools).tools).toHaveLength(5);
  });

  it('answers a text for the model and the whole result as artifact', async () => {
    const { orchestrator } = office();
    const [execute] = langchainTools<StructuredToolInterface>(orchestrator, { tool, tools: ['execute'] });
    const message = await execute?.invoke({
      type: 'tool_call',
      id: 'c1',
      name: 'execute',
      args: { task: 'hi', service: 'echo' },
    });
    expect(message).toMatchObject({
      tool_call_id: 'c1',
      content: expect.stringContaining('echo completed'),
      artifact: { status: 'completed', serviceName: 'echo', result: { said: 'hi' } },
    });
  });

  it('serves an agent, and goes on when a task fails or the arguments are wrong', async () => {
    const { orchestrator, seen } = office();
    const model = fakeModel()
      .respondWithTools([
        { name: 'execute', args: { task: 'hi', service: 'echo' }, id: 'a' },
        { name: 'execute', args: { task: 'x', service: 'broken' }, id: 'b' },
        { name: 'executeSubtasks', args: { subtasks: [{ id: 's', task: 'x', dependsOn: ['s'] }] }, id: 'c' },
      ])
      .respond(new AIMessage('done'));
    const agent = createAgent({ model, tools: langchainTools(orchestrator, { tool }) });

    const { messages } = await agent.invoke({ messages: [{ role: 'user', content: 'go' }] });

    expect(seen).toEqual(['echo hi']);
    expect(messages.at(-1)?.content).toBe('done');
    const artifacts = messages.flatMap((message) => ('artifact' in message ? [message.artifact] : []));
    expect(artifacts).toMatchObject([
      { status: 'completed' },
      { status: 'failed', errorCode: 'SERVICE_FAILED' },
      { status: 'refused', error: expect.stringContaining('circle') },
    ]);
  });

  it('lets an agent mend arguments that do not fit the schema', async () => {
    const { orchestrator, seen } = office();
    const model = fakeModel()
      .respondWithTools([{ name: 'execute', args: { pages: 2 }, id: 'a' }])
      .respondWithTools([{ name: 'execute', args: { task: 'hi', service: 'echo' }, id: 'b' }])
      .respond(new AIMessage('done'));
    const agent = createAgent({ model, tools: langchainTools(orchestrator, { tool }) });
    const { messages } = await agent.invoke({ messages: [new HumanMessage('go')] });
    expect(seen).toEqual(['echo hi']);
    expect(messages[2]).toMatchObject({ status: 'error', content: expect.stringContaining('task') });
  });

  it('cancels the task when the run is aborted', async () => {
    const { orchestrator, seen } = office();
    const model = fakeModel().respondWithTools([
      { name: 'execute', args: { task: 'x', service: 'slow' }, id: 'a' },
    ]);
    const agent = createAgent({ model, tools: langchainTools(orchestrator, { tool }) });
    const abort = new AbortController();
    const run = agent.invoke({ messages: [new HumanMessage('go')] }, { signal: abort.signal });
    await until(() => seen.length === 1);
    abort.abort();

    await expect(run).rejects.toThrow();
    await until(() => seen.length === 2);
    expect(seen).toEqual(['slow started x', 'slow aborted x']);
    expect(orchestrator.stats()).toMatchObject({ running: 0, cancelled: 1 });
  });

  it('shows progress in the stream mode custom', async () => {
    const { orchestrator } = office();
    const model = fakeModel()
      .respondWithTools([{ name: 'execute', args: { task: 'hi', service: 'echo' }, id: 'a' }])
      .respond(new AIMessage('done'));
    const agent = createAgent({ model, tools: langchainTools(orchestrator, { tool }) });
    const chunks: unknown[] = [];
    const input = { messages: [new HumanMessage('go')] };
    for await (const chunk of await agent.stream(input, { streamMode: 'custom' })) chunks.push(chunk);
    expect(chunks).toEqual([{ tool: 'execute', progress: 0.5, message: 'half way' }]);
  });
});

describe('fromLangGraph()', () => {
  it('serves an agent of createAgent(), with progress by node', async () => {
    const look = tool(() => 'found', { name: 'look', description: 'looks' });
    const model = fakeModel()
      .respondWithTools([{ name: 'look', args: {}, id: 'a' }])
      .respond(new AIMessage('It is 42.'));
    const agent = createAgent({ model, tools: [look] });
    const orchestrator = createOrchestrator({
      services: { research: fromLangGraph(agent, { keywords: ['research'] }), chat: () => 'no' },
    });
    const progress: string[] = [];
    const result = await orchestrator.execute('Research it', {
      onProgress: (_fraction, message) => void progress.push(message ?? ''),
    });
    expect(result).toMatchObject({ success: true, serviceName: 'research', result: { text: 'It is 42.' } });
    expect(progress).toEqual(['model_request', 'tools', 'model_request']);
  });

  it('serves a graph with a state of its own', async () => {
    const State = Annotation.Root({ question: Annotation<string>, answer: Annotation<string> });
    const graph = new StateGraph(State)
      .addNode('think', ({ question }) => ({ answer: `${question}!` }))
      .addEdge('__start__', 'think')
      .compile();
    const orchestrator = createOrchestrator({
      services: {
        graph: fromLangGraph(graph, {
          toInput: (question) => ({ question }),
          toResult: (state) => (state as typeof State.State).answer,
        }),
      },
    });
    expect((await orchestrator.execute('why')).result).toBe('why!');
  });

  it('aborts a node with the task, and gives a checkpointer a thread for each attempt', async () => {
    const seen: string[] = [];
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('wait', (_state, { signal, configurable }) => {
        seen.push(`started ${configurable?.thread_id}`);
        return new Promise<never>((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            seen.push('aborted');
            reject(signal.reason);
          });
        });
      })
      .addEdge('__start__', 'wait')
      .compile({ checkpointer: new MemorySaver() });
    const orchestrator = createOrchestrator({ services: { graph: fromLangGraph(graph) } });
    const handle = orchestrator.submit('x');
    await until(() => seen.length === 1);
    handle.cancel();
    expect((await handle.result()).status).toBe('cancelled');
    await until(() => seen.length === 2);
    expect(seen).toEqual([`started ${handle.taskId}`, 'aborted']);
    await until(() => orchestrator.stats().abandoned === 0);
  });

  it('keeps the thread when further options of a run are given', async () => {
    let seen: unknown;
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('node', (_state, runtime: RunnableConfig) => {
        const { configurable, recursionLimit } = runtime;
        seen = { user: configurable?.user, thread: configurable?.thread_id, recursionLimit };
        return { messages: [new AIMessage({ content: [{ type: 'text', text: 'in parts' }] })] };
      })
      .addEdge('__start__', 'node')
      .compile({ checkpointer: new MemorySaver() });
    const toConfig = () => ({ recursionLimit: 7, configurable: { user: 'ann' }, subgraphs: true });
    const orchestrator = createOrchestrator({ services: { graph: fromLangGraph(graph, { toConfig }) } });
    const { taskId, result } = await orchestrator.execute('x');
    expect(seen).toEqual({ user: 'ann', thread: taskId, recursionLimit: 7 });
    expect(result).toEqual({ text: 'in parts' });
  });

  it.each([
    ['stops to ask a person', 'NEEDS_INPUT', () => interrupt('may I?')],
    [
      'throws',
      'SERVICE_FAILED',
      () => {
        throw new Error('no luck');
      },
    ],
  ])('fails the task when the graph %s', async (_case, errorCode, node) => {
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('node', node)
      .addEdge('__start__', 'node')
      .compile({ checkpointer: new MemorySaver() });
    const orchestrator = createOrchestrator({ services: { graph: fromLangGraph(graph) } });
    const result = await orchestrator.execute('x');
    expect(result).toMatchObject({ success: false, errorCode, attempts: 1 });
    expect(`${result.error} ${JSON.stringify(result.errorDetails)}`).toMatch(/may I\?|no luck/);
  });
});
