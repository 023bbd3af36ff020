import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commonSchema } from '../../src/config/common-fields.js';
import { configJsonSchema } from '../../src/config/json-schema.js';
import { serviceSchema } from '../../src/config/kind-schemas.js';
import { load } from '../config/support.js';

const page = readFileSync('docs/CONFIG.md', 'utf8');
const snippets = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => text ?? '');
const env = { WRITER_KEY: 'k', MODEL_TOKEN: 't', TICKETS_TOKEN: 't', GITHUB_TOKEN: 't' };

describe('docs/CONFIG.md', () => {
  it('has snippets', () => expect(snippets.length).toBeGreaterThanOrEqual(5));

  it.each(snippets.map((snippet, index) => [index + 1, snippet]))(
    'shows what is right in snippet %i',
    async (_number, text) => {
      const snippet = String(text);
      const { config } = await load(snippet, env);
      expect(Object.keys(config).sort()).toEqual(Object.keys(JSON.parse(snippet)).sort());
    },
  );

  it('shows the defaults of limits and routing as they are', async () => {
    const { taskConfig, routingConfig } = JSON.parse(snippets[0] ?? '');
    const { config } = await load({ taskConfig: {}, routingConfig: {} });
    expect(config.taskConfig).toMatchObject(taskConfig);
    expect(config.routingConfig).toMatchObject(routingConfig);
  });

  it('lists every field of limits and routing with its default, range and meaning', () => {
    const { properties } = configJsonSchema() as { properties: Record<string, FieldSchema> };
    const rows = ['taskConfig', 'routingConfig'].flatMap((half) =>
      Object.entries(properties[half]?.properties ?? {}).map(([name, field]) =>
        rowOf(`${half}.${name}`, field),
      ),
    );
    const listed = [...page.matchAll(/^\| `(?:task|routing)Config\..*$/gm)].map(([row]) => row);
    expect(listed).toEqual(rows);
  });

  it('names every kind, each with fields that it has', () => {
    const { engine: _, ...properties } = (configJsonSchema() as { properties: Record<string, unknown> })
      .properties;
    const kinds = JSON.stringify(properties).matchAll(/"kind":\{"type":"string","const":"(\w+)"\}/g);
    const rows = new Map(
      [...page.matchAll(/^\| `(\w+)` \|.*\| (.*) \|$/gm)].map(([, kind, fields]) => [kind, fields ?? '']),
    );
    expect([...rows.keys()].sort()).toEqual([...new Set([...kinds].map(([, kind]) => kind))].sort());
    for (const [kind, fields] of rows) {
      for (const [, field] of fields.matchAll(/`(\w+)`/g)) {
        const parsed = serviceSchema.safeParse({
          kind,
          ...(kind === 'builtin' && { name: 'chat' }),
          [field ?? '']: Symbol('wrong'),
        });
        const unknown = parsed.error?.issues.filter(({ code }) => code === 'unrecognized_keys');
        expect(unknown, `${kind}.${field}`).toEqual([]);
      }
    }
  });

  it('names every field that all kinds share', () => {
    expect(Object.keys(commonSchema.shape).filter((field) => !page.includes(`\`${field}\``))).toEqual([]);
  });

  it('names only commands that there are', () => {
    const commands = [...page.matchAll(/`gaffr (\w+)|npx gaffr (\w+)/g)].map(([, a, b]) => a ?? b);
    const program = readFileSync('src/cli/program.ts', 'utf8');
    for (const command of new Set(commands)) expect(program).toContain(`${command}Command`);
  });
});

interface FieldSchema {
  readonly type?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly FieldSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
}

function rowOf(name: string, field: FieldSchema): string {
  const { description = '' } = field;
  const byDefault = field.default === undefined ? 'none' : `\`${field.default}\``;
  return `| \`${name}\` | ${byDefault} | ${rangeOf(field)} | ${description.replace(/ Default: none\.$/, '')} |`;
}

function rangeOf(field: FieldSchema): string {
  if (field.enum) return field.enum.map((value) => `\`${value}\``).join(', ');
  if (field.anyOf) return field.anyOf.map(rangeOf).join(' or ');
  switch (field.type) {
    case 'boolean':
      return '`true`, `false`';
    case 'null':
      return '`null`';
    case 'string':
      return 'a name';
    case 'object':
      return 'an object';
    default:
      if (field.exclusiveMinimum !== undefined) return `above ${field.exclusiveMinimum}`;
      if (field.maximum !== undefined) return `${field.minimum} to ${field.maximum}`;
      return `${field.type === 'integer' ? 'whole, ' : ''}${field.minimum} or more`;
  }
}
