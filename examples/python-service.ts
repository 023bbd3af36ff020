// A service in Python: a program that reads tasks and writes results as JSON lines. It is started when it is first needed,
// restarted when it crashes, and ended with the orchestrator.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { createOrchestrator, subprocessService } from 'gaffr';

const program = fileURLToPath(new URL('python/word-statistics.py', import.meta.url));
const orchestrator = createOrchestrator({
  services: {
    statistics: subprocessService({
      command: 'python3',
      args: [program],
      mode: 'json-lines',
      description: 'Counts the words of a text',
      keywords: ['count', 'words'],
      concurrency: 1,
    }),
    chat: () => 'Hello.',
  },
});

let last = 0;
const { serviceName, result, error } = await orchestrator.execute('Count the words', {
  kwargs: { text: 'to be or not to be' },
  onProgress: (fraction) => {
    last = fraction;
  },
});
console.log(serviceName, result ?? error);
assert.deepEqual(result, { words: 6, counts: { to: 2, be: 2, or: 1, not: 1 } });
assert.equal(last, 1);

// A cancel answers at once, and the program is told.
const long = orchestrator.submit('Count the words', { kwargs: { text: 'word '.repeat(200_000) } });
setTimeout(() => long.cancel('changed my mind'), 20);
assert.equal((await long.result()).status, 'cancelled');
await orchestrator.close();
