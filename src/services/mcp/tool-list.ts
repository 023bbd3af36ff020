/** Reads the tools of a downstream server as data that is not trusted. */

import type { Client, Tool } from '@modelcontextprotocol/client';
import { endlessToolList } from './mcp-errors.js';

/** A tool as its server defines it, made harmless to show. */
export interface DownstreamTool {
  readonly name: string;
  /** Without control characters, at most {@link LONGEST_DESCRIPTION} characters; empty when there is none. */
  readonly description: string;
  /** As the server sent it. */
  readonly definition: Tool;
  /** Of everything that a caller or a model can see of it. */
  readonly hash: string;
}

const LONGEST_DESCRIPTION = 4096;
const MOST_PAGES = 64;
const MOST_TOOLS = 2000;
/** Longest definition of one tool, in characters of JSON. */
const LONGEST_DEFINITION = 64 * 1024;

/** What the models' interfaces allow, and what the specification recommends: no spaces, no control or tag characters. */
const TOOL_NAME = /^[A-Za-z0-9_./-]{1,128}$/;

/** Control characters, invisible format characters and the tag characters that hide text from people. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u{E0000}-\u{E007F}]/gu;

/**
 * All tools, page by page.
 *
 * @returns The tools, and how many were refused for their name or size.
 * @throws OrchestratorError `SERVICE_FAILED` naming the server when its list does not end.
 */
export async function readTools(
  client: Client,
  server: string,
  signal: AbortSignal,
): Promise<{ readonly tools: readonly DownstreamTool[]; readonly refused: readonly string[] }> {
  if (client.getServerCapabilities()?.tools === undefined) return { tools: [], refused: [] };
  const tools = new Map<string, DownstreamTool>();
  const refused: string[] = [];
  const cursors = new Set<string>();
  let cursor: string | undefined;
  for (let page = 1; ; page += 1) {
    const params = cursor === undefined ? {} : { cursor };
    const answer = await client.request({ method: 'tools/list', params }, { signal });
    for (const definition of answer.tools) {
      const tool = harmless(definition as Tool);
      // The first of a name counts: a later one must not stand in for it.
      if (tool === null || tools.has(tool.name)) refused.push(shown(definition.name));
      else tools.set(tool.name, tool);
    }
    cursor = answer.nextCursor;
    if (cursor === undefined) return { tools: [...tools.values()], refused };
    if (cursors.has(cursor)) throw endlessToolList(server, 'its cursor repeats');
    if (page === MOST_PAGES) throw endlessToolList(server, `it has more than ${MOST_PAGES} pages`);
    if (tools.size > MOST_TOOLS) throw endlessToolList(server, `it has more than ${MOST_TOOLS} tools`);
    cursors.add(cursor);
  }
}

function harmless(definition: Tool): DownstreamTool | null {
  const { name, description = '' } = definition;
  if (!TOOL_NAME.test(name)) return null;
  const text = canonical(definition);
  if (text.length > LONGEST_DEFINITION) return null;
  // Not loaded before there is a downstream server: it takes long.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return {
    name,
    description: visible(description).slice(0, LONGEST_DESCRIPTION),
    definition,
    hash: `sha256-${createHash('sha256').update(text).digest('base64')}`,
  };
}

function visible(text: string): string {
  return text.replace(HIDDEN, ' ').replace(/\s+/gu, ' ').trim();
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 64));
}

/** The parts that describe the tool, as JSON with sorted keys, so that order means nothing. */
function canonical({ name, title, description, inputSchema, outputSchema, annotations }: Tool): string {
  const parts = { name, title, description, inputSchema, outputSchema, annotations };
  return JSON.stringify(parts, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : value,
  );
}
