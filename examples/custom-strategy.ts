// A strategy of one's own, before the words of the task are looked at: German tasks go to the German desk.
import assert from 'node:assert/strict';
import { CompositeStrategy, createOrchestrator, FunctionStrategy, KeywordStrategy } from 'gaffr';

const GERMAN = /\b(der|die|das|bitte|und|ist)\b/i;

const byLanguage = new FunctionStrategy(
  (task, services) => (GERMAN.test(task) && services.includes('germanDesk') ? [['germanDesk', 0.9]] : []),
  'language',
);

const orchestrator = createOrchestrator({
  services: {
    germanDesk: (task: string) => `Gern: ${task}`,
    billing: { keywords: ['invoice', 'refund'], execute: (task: string) => `billing took "${task}"` },
    chat: (task: string) => `chat took "${task}"`,
  },
  strategy: new CompositeStrategy([byLanguage, new KeywordStrategy()]),
});

const tasks = ['Bitte die Rechnung schicken', 'Refund my last invoice', 'Hello there'];
const results = await orchestrator.executeParallel(tasks);
for (const { serviceName, route } of results) console.log(serviceName, '-', route?.why);
assert.deepEqual(
  results.map(({ serviceName }) => serviceName),
  ['germanDesk', 'billing', 'chat'],
);

// Why, in full: every candidate with its confidence, and the strategy that spoke for it.
const { ranked } = await orchestrator.explain('Bitte die Rechnung schicken');
assert.equal(ranked[0]?.service, 'germanDesk');
await orchestrator.close();
