// A research assistant: four MCP servers from npm behind one gaffr, side by side under one limit. It reads a folder of notes,
// keeps what it finds in a knowledge graph, and answers from there. No model, no key; `npm run examples` installs the servers.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createOrchestrator, ExecutionConfig, type McpServiceOptions, mcpService } from 'gaffr';

const notes = fileURLToPath(new URL('notes', import.meta.url));
const memoryFolder = mkdtempSync(join(tmpdir(), 'gaffr-research-'));

/** A server of the package in examples/config. */
function server(name: string, args: string[] = [], env: Record<string, string> = {}) {
  const path = `config/node_modules/@modelcontextprotocol/server-${name}/dist/index.js`;
  const program = fileURLToPath(new URL(path, import.meta.url));
  const transport: McpServiceOptions['transport'] = {
    kind: 'stdio',
    command: process.execPath,
    args: [program, ...args],
    env,
  };
  return { name, transport, connectTimeoutSeconds: 60 };
}

const orchestrator = createOrchestrator({
  services: {
    // Reads only: whatever a task says, no note is changed.
    files: mcpService({
      ...server('filesystem', [notes]),
      keywords: ['folder', { text: 'read the note', weight: 3 }],
      tools: { allow: ['list_directory', 'read_text_file'] },
      rules: [
        { match: '(?i)list the folder', tool: 'list_directory', arguments: { path: notes } },
        { match: '(?i)read the note (\\S+)', tool: 'read_text_file', arguments: { path: `${notes}/$1` } },
      ],
    }),
    memory: mcpService({
      ...server('memory', [], { MEMORY_FILE_PATH: join(memoryFolder, 'graph.jsonl') }),
      keywords: [{ text: 'knowledge graph', weight: 3 }],
      rules: [{ match: '(?i)knowledge graph for (.+)$', tool: 'search_nodes', arguments: { query: '$1' } }],
    }),
    thinking: mcpService({
      ...server('sequential-thinking'),
      keywords: [{ text: 'think about', weight: 3 }],
      rules: [
        {
          match: '(?i)^think about (?P<thought>.+)$',
          tool: 'sequentialthinking',
          arguments: {
            thought: '${thought}',
            thoughtNumber: 1,
            totalThoughts: 1,
            nextThoughtNeeded: false,
          },
        },
      ],
    }),
    calculator: mcpService({ ...server('everything'), keywords: [{ text: 'get the sum', weight: 3 }] }),
  },
  config: ExecutionConfig.create({ maxParallel: 4, fallbackService: null }),
});

try {
  // The plan and the look into the folder need nothing from each other.
  const [plan, listing] = await orchestrator.executeParallel([
    'Think about which notes tell numbers',
    'List the folder of notes',
  ]);
  assert.deepEqual([plan?.serviceName, listing?.serviceName], ['thinking', 'files']);
  const names = [...textOf(listing?.result).matchAll(/\[FILE\] (\S+\.md)/g)].map(([, name]) => name ?? '');
  assert.equal(names.length, 8);

  // Every note at once: the server takes four calls at a time, the rest wait their turn.
  const texts = await orchestrator.executeParallel(names.map((name) => `Read the note ${name}`));
  assert.deepEqual([...new Set(texts.map(({ serviceName }) => serviceName))], ['files']);
  const findings = texts.flatMap(({ result }, at) =>
    textOf(result)
      .split(/(?<=[.:])\s+/)
      .filter((sentence) => /\d+ seconds/.test(sentence))
      .map((sentence) => ({ note: names[at] ?? '', sentence: sentence.trim() })),
  );
  assert.ok(findings.length > 0, 'no note tells a number of seconds');

  // The tool changes something, so it is named rather than chosen by words.
  const entities = findings.map(({ note, sentence }, at) => ({
    name: `finding ${at + 1}`,
    entityType: 'finding',
    observations: [sentence, `source: ${note}`],
  }));
  const kept = await orchestrator.execute('Keep the findings', {
    service: 'memory',
    kwargs: { tool: 'create_entities', arguments: { entities } },
  });
  assert.equal(kept.status, 'completed', kept.error ?? '');

  const [answer, sum] = await orchestrator.executeParallel([
    'Search the knowledge graph for timeout',
    'Get the sum of 300 and 30 with get-sum',
  ]);
  assert.equal(answer?.serviceName, 'memory');
  assert.match(textOf(answer?.result), /300 seconds/);
  assert.match(textOf(answer?.result), /source: service-limits\.md/);
  assert.match(textOf(sum?.result), /330/);
  console.log(`${findings.length} findings from ${names.length} notes`);
  console.log(textOf(answer?.result));
} finally {
  // Ends the four servers too.
  await orchestrator.close();
  rmSync(memoryFolder, { recursive: true });
}

/** What a tool said; tools that answer with data have it beside this, as structuredContent. */
function textOf(result: unknown): string {
  return (result as { readonly text: string }).text;
}
