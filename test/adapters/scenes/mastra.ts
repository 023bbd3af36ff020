import type { MastraModelConfig } from '@mastra/core/llm';
import { MastraLanguageModelV2Mock } from '@mastra/core/test-utils/llm-mock';

export * from './office.js';

const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };

type Generate = NonNullable<
  NonNullable<ConstructorParameters<typeof MastraLanguageModelV2Mock>[0]>['doGenerate']
>;

/** Calls `execute` when it has it, and else says what it read. */
export const model = new MastraLanguageModelV2Mock({
  doGenerate: (async ({ tools, prompt }: { tools?: { name: string }[]; prompt: { role: string }[] }) => {
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
          finishReason: 'tool-calls',
          usage,
          warnings: [],
        }
      : {
          content: [{ type: 'text', text: 'It is invoice 2024-117.' }],
          finishReason: 'stop',
          usage,
          warnings: [],
        };
  }) as Generate,
}) as MastraModelConfig;
