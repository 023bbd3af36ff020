import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';

export * from './office.js';

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
const stop = { unified: 'stop', raw: undefined } as const;

/** Calls `execute` when it has it, and else says what it read. */
export const model = new MockLanguageModelV4({
  doGenerate: async ({ tools, prompt }) => {
    const canCall = tools?.some(({ name }) => name === 'execute') && prompt.at(-1)?.role === 'user';
    return canCall
      ? {
          content: [
            {
              type: 'tool-call',
              toolCallId: 'c1',
              toolName: 'execute',
              input: '{"task":"Read invoice.pdf"}',
            },
          ],
          finishReason: { unified: 'tool-calls', raw: undefined },
          usage,
          warnings: [],
        }
      : {
          content: [{ type: 'text', text: 'It is invoice 2024-117.' }],
          finishReason: stop,
          usage,
          warnings: [],
        };
  },
  doStream: async () => ({
    stream: convertArrayToReadableStream([
      { type: 'text-start', id: 't' },
      { type: 'text-delta', id: 't', delta: 'It is invoice 2024-117.' },
      { type: 'text-end', id: 't' },
      { type: 'finish', finishReason: stop, usage },
    ]),
  }),
});
