import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

/** A server to start as a child. */
export interface StdioServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
}

/** What a tool answered, free of SDK types. */
export interface ClientToolAnswer {
  readonly isError: boolean;
  readonly text: string;
  readonly structuredContent: unknown;
}

/** A connected MCP client. */
export interface StdioClient {
  readonly serverName: string;
  readonly protocolVersion: string;
  listTools(): Promise<string[]>;
  callTool(name: string, args: Record<string, unknown>, options: CallOptions): Promise<ClientToolAnswer>;
  /** Ends the connection and the child. */
  close(): Promise<void>;
}

/** Options of one call. */
export interface CallOptions {
  /** How long the client waits for the answer, in seconds. */
  readonly timeoutSeconds: number;
  readonly onProgress?: (fraction: number, message: string | undefined) => void;
}

/** How long a server may take until it answers for the first time, in milliseconds. */
const CONNECT_MS = 20_000;

/** Lines of the child's stderr that are kept for the message when it does not come up. */
const KEPT_STDERR_CHARS = 4000;

/**
 * Starts an MCP server as a child and connects the official client to it.
 *
 * @throws Error with the end of the server's stderr when it does not answer.
 */
export async function openStdioClient(
  name: string,
  version: string,
  server: StdioServerCommand,
): Promise<StdioClient> {
  const transport = new StdioClientTransport({ ...server, args: [...server.args], stderr: 'pipe' });
  let stderr = '';
  transport.stderr?.on('data', (chunk) => {
    stderr = `${stderr}${chunk}`.slice(-KEPT_STDERR_CHARS);
  });
  const client = new Client({ name, version });
  try {
    await client.connect(transport, { timeout: CONNECT_MS });
  } catch (cause) {
    await client.close();
    throw new Error(
      `The MCP server did not come up: ${[server.command, ...server.args].join(' ')}\n${stderr}`,
      { cause },
    );
  }
  return {
    serverName: client.getServerVersion()?.name ?? 'unknown',
    protocolVersion: client.getNegotiatedProtocolVersion() ?? 'unknown',
    listTools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    callTool: (tool, args, options) => callTool(client, tool, args, options),
    close: () => client.close(),
  };
}

async function callTool(
  client: Client,
  name: string,
  args: Record<string, unknown>,
  { timeoutSeconds, onProgress }: CallOptions,
): Promise<ClientToolAnswer> {
  const { content, structuredContent, isError } = await client.callTool(
    { name, arguments: args },
    {
      timeout: timeoutSeconds * 1000,
      ...(onProgress && { onprogress: ({ progress, message }) => onProgress(progress, message) }),
    },
  );
  const text = content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
  return { isError: isError === true, text, structuredContent };
}
