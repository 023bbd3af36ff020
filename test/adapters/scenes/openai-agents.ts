import { type Model, type ModelResponse, setTracingDisabled, Usage } from '@openai/agents';

export * from './office.js';

setTracingDisabled(true);

/** Calls `execute` when it has it, and else says what it read. */
export const model: Model = {
  async getResponse({ tools, input }) {
    const isFirst = typeof input === 'string' || !input.some(({ type }) => type === 'function_call_result');
    const canCall = tools.some((tool) => tool.type === 'function' && tool.name === 'execute') && isFirst;
    const output: ModelResponse['output'] = canCall
      ? [
          {
            type: 'function_call',
            id: 'c1',
            callId: 'c1',
            name: 'execute',
            arguments: '{"task":"Read invoice.pdf"}',
            status: 'completed',
          },
        ]
      : [
          {
            type: 'message',
            id: 'm',
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'output_text', text: 'It is invoice 2024-117.' }],
          },
        ];
    return { usage: new Usage(), output, responseId: 'r' };
  },
  async *getStreamedResponse() {},
};
