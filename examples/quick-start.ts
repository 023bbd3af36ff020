import { createOrchestrator, ExecutionConfig } from 'gaffr';

const orchestrator = createOrchestrator({
  services: {
    chat: (task) => `You said: ${task}`,
    vision: {
      description: 'Reads text out of PDFs and images',
      concurrency: 2,
      async execute(task, { kwargs, signal, progress }) {
        signal.throwIfAborted();
        progress(0.5, 'reading');
        return { task, pages: kwargs.pages };
      },
    },
  },
  config: ExecutionConfig.create({ maxParallel: 5, timeoutSeconds: 300, confidenceThreshold: 0.6 }),
});

// One task: routed by its words, and told why.
const one = await orchestrator.execute('Extract text from this PDF', { kwargs: { pages: [1, 2] } });
console.log(one.serviceName, one.route?.why, one.result);

// Many at once, never more than maxParallel; the answers come in input order.
const many = await orchestrator.executeParallel(['Describe this image', 'Explain how async works']);
console.log(many.map(({ serviceName, success }) => ({ serviceName, success })));

// Steps that depend on each other, each with its own arguments.
const steps = await orchestrator.executeSubtasks([
  { id: 'read', task: 'Extract the PDF', kwargs: { pages: [3] } },
  { id: 'tell', task: 'Tell me about it', service: 'chat', dependsOn: ['read'] },
]);
console.log(steps.map(({ status }) => status));

await orchestrator.close();
