// Two agents of LangGraph under a supervisor. A supervisor of LangGraph is a model that is asked before each hand-over, and
// hands over to one agent after the other. Here gaffr is the supervisor: the agents stay as they are, no model is asked who
// is to work, they work side by side within a limit, and a cancel reaches the node that is running.
import assert from 'node:assert/strict';
import { AIMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { createOrchestrator } from 'gaffr';
import { fromLangGraph, langchainTools } from 'gaffr/langchain';
import { createAgent, fakeModel } from 'langchain';

/** In place of a real model, so that the story runs offline. */
const lookUp = tool(() => '4,806 m', { name: 'lookUp', description: 'Looks up a height' });
const researchModel = fakeModel()
  .respondWithTools([{ name: 'lookUp', args: {}, id: 'c1' }])
  .respond(new AIMessage('Mont Blanc is 4,806 m high.'));
const researchAgent = createAgent({ model: researchModel, tools: [lookUp], name: 'research' });

const mathAgent = new StateGraph(MessagesAnnotation)
  .addNode('multiply', ({ messages }) => {
    const [a = 0, b = 0] = String(messages.at(-1)?.content).match(/\d+/g)?.map(Number) ?? [];
    return { messages: [new AIMessage(`${a * b}`)] };
  })
  .addEdge(START, 'multiply')
  .compile();

const seen: string[] = [];
const slowAgent = new StateGraph(MessagesAnnotation)
  .addNode('wait', (_state, { signal }) => {
    seen.push('started');
    return new Promise<never>((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        seen.push('aborted');
        reject(signal.reason);
      });
    });
  })
  .addEdge(START, 'wait')
  .compile();

const orchestrator = createOrchestrator({
  services: {
    research: fromLangGraph(researchAgent, { keywords: ['how high', 'who', 'find'], concurrency: 2 }),
    math: fromLangGraph(mathAgent, { keywords: ['times', 'multiply'] }),
    slow: fromLangGraph(slowAgent, { timeoutSeconds: 60 }),
  },
  config: { routingConfig: { fallbackService: 'research' }, taskConfig: { maxParallel: 4 } },
});

// Side by side, each task to the agent that its words speak for.
const results = await orchestrator.executeParallel(['How high is Mont Blanc?', 'What is 12 times 12?']);
for (const { serviceName, result, route } of results) console.log(serviceName, result, `(${route?.why})`);
assert.deepEqual(
  results.map(({ serviceName, result }) => [serviceName, result]),
  [
    ['research', { text: 'Mont Blanc is 4,806 m high.' }],
    ['math', { text: '144' }],
  ],
);

// A cancel reaches the node.
const handle = orchestrator.submit('wait', { service: 'slow' });
while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
handle.cancel();
assert.equal((await handle.result()).status, 'cancelled');
while (seen.length === 1) await new Promise((resolve) => setImmediate(resolve));
assert.deepEqual(seen, ['started', 'aborted']);

// Where a conversation needs a model in the lead, it gets the other agents as one tool.
const leadModel = fakeModel()
  .respondWithTools([
    { name: 'executeParallel', args: { tasks: ['What is 3 times 4?', 'Multiply 5 by 6'] }, id: 'c2' },
  ])
  .respond(new AIMessage('12 and 30.'));
const tools = langchainTools(orchestrator, { tool, tools: ['executeParallel', 'listServices'] });
const lead = createAgent({ model: leadModel, tools });
const { messages } = await lead.invoke({
  messages: [{ role: 'user', content: '3 times 4, and 5 times 6?' }],
});
assert.match(String(messages.at(-2)?.content), /2 of 2 tasks succeeded[\s\S]*12[\s\S]*30/);
assert.equal(messages.at(-1)?.content, '12 and 30.');
await orchestrator.close();
