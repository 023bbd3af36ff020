/** An echo server as most are written: one tool of McpServer with schemas for what goes in and out. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

const text = z.object({ text: z.string() });

serveStdio(
  () => {
    const server = new McpServer({ name: 'echo', version: '1.0.0' });
    const description = 'Answers its text.';
    server.registerTool('echo', { description, inputSchema: text, outputSchema: text }, async (input) => ({
      content: [{ type: 'text', text: input.text }],
      structuredContent: { text: input.text },
    }));
    return server;
  },
  { legacy: 'serve' },
);
