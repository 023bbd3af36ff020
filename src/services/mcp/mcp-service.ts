import type * as z from 'zod';
import { parseOrMisuse } from '../../core/config.js';
import type { Service } from '../../core/service.js';
import { splitServiceFields } from '../service-fields.js';
import { Downstream, type McpService } from './downstream.js';
import { mcpOptionsSchema } from './mcp-options.js';

/** Options of {@link mcpService}, with the fields of a service beside them. */
export type McpServiceOptions = z.input<typeof mcpOptionsSchema> &
  Omit<Service, 'execute' | 'close' | 'onProfileChange' | 'tools' | 'trusted'>;

/**
 * Calls at once on one server: most are written for one client, further calls wait without a parallel slot, and one
 * server that hangs leaves slots to the others.
 */
const DEFAULT_CONCURRENCY = 4;

/**
 * A service whose tasks become calls of a downstream MCP server's tools, over stdio or Streamable HTTP.
 *
 * A task becomes a call by the first of: kwargs `{ tool, arguments }`; `rules`; `defaultTool`; the words of the task, when
 * one read-only tool fits clearly and all of its arguments follow; the `planner`. Else it is `NEEDS_ARGUMENTS` with the
 * best tools and their schemas in `errorDetails`.
 *
 * The server is started by the first task and started again, after a backoff, whenever it is gone; a call that it died in
 * is repeated only when its tool is read-only or idempotent. Its tools are approved as they are first seen: one whose
 * definition changes, or that appears later, is not called until `approveTools()`.
 *
 * @throws TypeError naming an unknown or wrong option.
 * @example mcpService({ name: 'files', transport: { kind: 'stdio', command: 'npx', args: ['-y', 'some-server', '/data'] } })
 */
export function mcpService(options: McpServiceOptions): McpService {
  const { fields, own } = splitServiceFields(options, ['tools', 'trusted']);
  const parsed = parseOrMisuse(mcpOptionsSchema, own, 'mcpService()');
  const service = new Downstream(parsed, fields.idempotent ?? false).service();
  return Object.assign(service, { concurrency: DEFAULT_CONCURRENCY }, fields);
}
