import { onTestFinished } from 'vitest';
import type { ServiceContext } from '../../src/core/service.js';
import type { ToolAnswer } from '../../src/services/mcp/call-tool.js';
import type { McpService } from '../../src/services/mcp/downstream.js';
import { type McpServiceOptions, mcpService } from '../../src/services/mcp/mcp-service.js';
import { fixture } from './child-port.js';
import { contextOf } from './service-context.js';

type Partly = Partial<McpServiceOptions>;

/** A service over the server that is written by hand; closed when the test ends. */
export function rawService(mode = '', options: Partly = {}, toolsFile?: string): McpService {
  const args = [fixture('raw-mcp.mjs'), mode, ...(toolsFile === undefined ? [] : [toolsFile])];
  return opened({ transport: { kind: 'stdio', command: process.execPath, args }, ...options });
}

/** A service over the server on the SDK. */
export function sdkService(options: Partly = {}): McpService {
  return opened({
    transport: { kind: 'stdio', command: process.execPath, args: [fixture('mcp-stdio.mjs')] },
    ...options,
  });
}

export function opened(options: Partly & Pick<McpServiceOptions, 'transport'>): McpService {
  const service = mcpService({ name: 'down', random: () => 0.999, ...options });
  onTestFinished(() => service.close?.() as Promise<void>);
  return service;
}

let nextTask = 1;

/** One attempt of a task of its own that names tool and arguments. */
export async function call(
  service: McpService,
  tool: string,
  args: Readonly<Record<string, unknown>> = {},
  fields: Partial<ServiceContext> = {},
): Promise<string> {
  const context = contextOf({ taskId: `call-${nextTask++}`, kwargs: { tool, arguments: args }, ...fields });
  return ((await service.execute('', context)) as ToolAnswer).text;
}
