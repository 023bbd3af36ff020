import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { CpuReports, REPORTER_ARGS } from './cpu-reports.js';
import type { ConnectClient } from './tool-client.js';

/** The SDK's own client, as hosts use it: it lists the tools first, and so checks each answer against its schema. */
export const connectOfficialClient: ConnectClient = async (args) => {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [...REPORTER_ARGS, ...args],
    stderr: 'pipe',
  });
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(transport);
  await client.listTools();
  const { pid, stderr } = transport;
  if (pid === null || stderr === null) throw new Error('The server did not start.');
  const reports = new CpuReports(pid, stderr as NodeJS.ReadStream);
  return {
    callTool: (name, args) => client.callTool({ name, arguments: { ...args } }),
    cpuMicros: () => reports.next(),
    close: () => client.close(),
  };
};
