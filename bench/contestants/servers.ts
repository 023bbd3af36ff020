import { fileURLToPath } from 'node:url';
import type { ToolAnswer, ToolClient } from '../clients/tool-client.js';

/** A server under test and the call that it has to answer. */
export interface ServerUnderTest {
  /** Arguments of Node. */
  readonly args: readonly string[];
  /** Calls the tool once. @throws Error when the answer is wrong. */
  call(client: ToolClient, index: number): Promise<void>;
}

const fileIn = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** `execute` on a service that does next to nothing; the router finds it. */
export const noOpServer = noOpServerAt('../servers/no-op-server.js');

/** The same over HTTP, with a token and every limit but that of calls per second. */
export const noOpHttpServer = noOpServerAt('../servers/no-op-http-server.js');

/** The command that users run, with the built-in services. Its first answer is a tool's, not a service's. */
export const gaffrServe: ServerUnderTest = {
  args: [fileIn('../../../dist/cli/main.js'), 'serve'],
  async call(client) {
    const answer = await client.callTool('explainRoute', { task: 'Extract text from this PDF' });
    check(answer, structuredContentOf(answer).service === 'vision');
  },
};

/** The low-level `Server`: nothing is checked. */
export const bareEchoServer = echoServer('../servers/bare-echo-server.js');

/** `McpServer`: input and output are checked against schemas, and the answer is structured too. */
export const checkedEchoServer = echoServer('../servers/checked-echo-server.js');

/** The low-level `Server` over HTTP by the SDK's own handler and adapter: no token, no limit. */
export const bareEchoHttpServer = echoServer('../servers/bare-echo-http-server.js');

function noOpServerAt(path: string): ServerUnderTest {
  return {
    args: [fileIn(path)],
    async call(client, index) {
      const task = `task ${index}`;
      const answer = await client.callTool('execute', { task });
      const { success, result } = structuredContentOf(answer);
      check(answer, success === true && result === task.length);
    },
  };
}

function echoServer(path: string): ServerUnderTest {
  return {
    args: [fileIn(path)],
    async call(client, index) {
      const text = `task ${index}`;
      const answer = await client.callTool('echo', { text });
      const [content] = (answer.content ?? []) as readonly { readonly text?: string }[];
      check(answer, content?.text === text);
    },
  };
}

function structuredContentOf({ structuredContent }: ToolAnswer): Readonly<Record<string, unknown>> {
  return (structuredContent ?? {}) as Readonly<Record<string, unknown>>;
}

function check(answer: ToolAnswer, isRight: boolean): void {
  if (!isRight) throw new Error(`A wrong answer: ${JSON.stringify(answer)}`);
}
