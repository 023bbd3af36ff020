import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import { OrchestratorError } from '../../src/core/errors.js';
import { createOrchestrator } from '../../src/index.js';
import type { ToolAnswer } from '../../src/services/mcp/call-tool.js';
import type { McpService } from '../../src/services/mcp/downstream.js';
import { mcpService } from '../../src/services/mcp/mcp-service.js';
import { createToolPlanner } from '../../src/services/openai.js';
import { startOnPort } from './child-port.js';
import { eventually } from './isolation-support.js';
import { opened, rawService, sdkService } from './mcp-support.js';
import { contextOf } from './service-context.js';
import { sendJson, startStub } from './stub-model-server.js';

const say = async (service: McpService, task: string, kwargs = {}): Promise<ToolAnswer> =>
  (await service.execute(task, contextOf({ kwargs }))) as ToolAnswer;
const refusal = async (service: McpService, task: string, kwargs = {}): Promise<OrchestratorError> => {
  const fault = await say(service, task, kwargs).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(OrchestratorError);
  return fault as OrchestratorError;
};
const toolsOf = ({ facts }: OrchestratorError): { name: string; inputSchema: object }[] =>
  facts.tools as never;

describe('from words to a tool call', () => {
  it('step 1: kwargs name tool and arguments, which are checked against the schema', async () => {
    const service = sdkService();
    const kwargs = { tool: 'read_text', arguments: { path: 'a.txt' } };
    expect(await say(service, '', kwargs)).toEqual({
      tool: 'read_text',
      text: 'text of a.txt',
      structuredContent: { path: 'a.txt' },
    });
    const fault = await refusal(service, '', { tool: 'read_text', arguments: { path: 7 } });
    expect(fault).toMatchObject({ code: 'INVALID_INPUT', retryable: false });
    expect(fault.message).toContain('arguments/path must be string');
    expect(toolsOf(fault)).toMatchObject([{ name: 'read_text', inputSchema: { required: ['path'] } }]);
  });

  it.each([
    [{ tool: 'no_such' }, 'INVALID_INPUT', 'no_such'],
    [{ tool: '__proto__' }, 'INVALID_INPUT', '__proto__'],
    [{ tool: 7 }, 'INVALID_INPUT', '7'],
    [{ tool: 'run', arguments: 'text' }, 'INVALID_INPUT', 'no object'],
    [{ arguments: { path: 'a' } }, 'NEEDS_ARGUMENTS', 'no tool'],
  ])('step 1: kwargs %j are %s', async (kwargs, code, words) => {
    const fault = await refusal(sdkService(), 'x', kwargs);
    expect(fault.code).toBe(code);
    expect(fault.message).toContain(words);
  });

  it('step 2: rules of the operator, whose groups fill the arguments', async () => {
    const rules = [
      { match: '^exchange (?P<amount>\\d+)', tool: 'run', arguments: { task: `echo \${amount} or $1` } },
      { match: '^show me (\\S+)$', tool: 'read_text', arguments: { path: '$1' } },
    ];
    const service = sdkService({ rules });
    expect((await say(service, 'Exchange 12 now')).text).toBe('12 or 12');
    expect((await say(service, 'show me $1.txt')).text).toBe('text of $1.txt');
  });

  it('step 2: an expression that V8 would hang on costs no time, and one that is not linear is refused', async () => {
    const service = sdkService({ rules: [{ match: '^(a+)+$', tool: 'run' }], autoSelect: 'off' });
    await service.listTools();
    const startedMs = performance.now();
    await refusal(service, `${'a'.repeat(8000)}!`);
    expect(performance.now() - startedMs).toBeLessThan(500);
    const transport = { kind: 'stdio' as const, command: 'x' };
    expect(() => mcpService({ name: 'x', transport, rules: [{ match: '(a)\\1', tool: 'run' }] })).toThrow(
      /rules\[0\]\.match is no expression/,
    );
  });

  it('step 3: the default tool gets the words as its one required text', async () => {
    expect(await say(sdkService({ defaultTool: 'run' }), 'echo hello')).toEqual({
      tool: 'run',
      text: 'hello',
    });
  });

  it.each([
    ['Read the text of docs/notes.txt', { tool: 'read_text', text: 'text of docs/notes.txt' }],
    ['Read the text of the file "my notes.txt"', { tool: 'read_text', text: 'text of my notes.txt' }],
    ['Convert the amount 12.5 to USD', { tool: 'convert_amount', text: '12.5 USD' }],
  ])('step 4: %s', async (task, expected) => {
    expect(await say(sdkService(), task)).toMatchObject(expected);
  });

  it.each([
    ['Delete the file docs/notes.txt for good', 'not marked read-only'],
    ['Convert the amount 12.5 to gold', 'do not follow from the words'],
    ['Convert the amount 12.5 or 13 to USD', 'do not follow from the words'],
    ['Read the text of a.txt and b.txt', 'do not follow from the words'],
    ['Whistle a tune', 'no tool shares a word'],
  ])('step 6: %s', async (task, why) => {
    const fault = await refusal(sdkService(), task);
    expect(fault).toMatchObject({ code: 'NEEDS_ARGUMENTS', retryable: false, isTransportFault: false });
    expect(fault.message).toContain(why);
    expect(toolsOf(fault)).toHaveLength(3);
    expect(toolsOf(fault)[0]).toMatchObject({ name: expect.any(String), inputSchema: { type: 'object' } });
  });

  it('step 4: autoSelect "all" calls what is not read-only too, "off" nothing', async () => {
    const task = 'Delete the file docs/notes.txt for good';
    expect((await say(sdkService({ autoSelect: 'all' }), task)).text).toBe('deleted docs/notes.txt');
    const fault = await refusal(sdkService({ autoSelect: 'off' }), 'Read the text of docs/notes.txt');
    expect(fault.code).toBe('NEEDS_ARGUMENTS');
  });

  it('tools that the operator denies are offered to nobody', async () => {
    const service = sdkService({ tools: { deny: ['delete_*', 'run'] }, autoSelect: 'all' });
    expect((await service.listTools()).map(({ name }) => name)).not.toContain('delete_file');
    expect((await refusal(service, '', { tool: 'delete_file', arguments: { path: 'x' } })).code).toBe(
      'INVALID_INPUT',
    );
    const only = sdkService({ tools: { allow: ['read_*'] } });
    expect((await only.listTools()).map(({ name }) => name)).toEqual(['read_text']);
  });
});

describe('step 5: a model as planner', () => {
  const proposing = async (name: (names: string[]) => string, args: unknown) => {
    const { baseURL, requests } = await startStub(({ body }, response) => {
      const names = (body as { tools: { function: { name: string } }[] }).tools.map(
        (tool) => tool.function.name,
      );
      const call = { function: { name: name(names), arguments: args } };
      sendJson(response, 200, { choices: [{ message: { tool_calls: [call] } }] });
    });
    return { planner: createToolPlanner({ baseURL, model: 'stub-1' }), requests };
  };
  const named = (part: string) => (names: string[]) => names.find((name) => name.startsWith(part)) ?? 'none';

  it('turns the task into arguments', async () => {
    const { planner, requests } = await proposing(named('delete_file'), '{"path":"old.txt"}');
    const service = sdkService({ planner });
    expect((await say(service, 'get rid of the old one')).text).toBe('deleted old.txt');
    expect(requests[0]?.body).toMatchObject({
      tool_choice: 'auto',
      messages: [{}, { content: 'get rid of the old one' }],
    });
  });

  it.each([
    ['broken arguments', '{"path":', 'equally well'],
    ['arguments that do not fit', '{"path":7}', 'its planner failed'],
    ['no such tool', '{}', 'equally well'],
  ])('asks the caller when the model proposes %s', async (what, args) => {
    const { planner } = await proposing(what === 'no such tool' ? () => 'other' : named('delete_file'), args);
    const fault = await refusal(sdkService({ planner }), 'get rid of the old one');
    expect(fault.code).toBe('NEEDS_ARGUMENTS');
    expect(toolsOf(fault).length).toBeGreaterThan(0);
  });

  it('is given up with the task', async () => {
    const { baseURL } = await startStub(() => {});
    const service = sdkService({ planner: createToolPlanner({ baseURL, model: 'stub-1' }) });
    await service.listTools();
    const signal = AbortSignal.timeout(50);
    await expect(service.execute('get rid of it', contextOf({ signal }))).rejects.toThrow();
  });
});

describe('a service over a downstream server', () => {
  it('starts nothing until it is asked, and its tools take part in routing once they are known', async () => {
    const services = { down: sdkService(), other: { execute: () => 'other', keywords: ['something'] } };
    const orchestrator = createOrchestrator({
      services,
      log: silentLog,
      config: { routingConfig: { fallbackService: 'other', confidenceThreshold: 0.3 } },
    });
    expect(services.down.connection.state).toBe('idle');
    expect(services.down.tools).toEqual([]);
    await services.down.listTools();
    expect(services.down.tools?.map(({ name }) => name)).toContain('convert_amount');
    const result = await orchestrator.execute('convert amount: 3 NOK');
    expect(result).toMatchObject({ success: true, serviceName: 'down', result: { text: '3 NOK' } });
    await orchestrator.close({ drainSeconds: 0 });
    expect(services.down.connection.state).toBe('idle');
  });

  it('with connect: "at-start" it is up soon after it is registered', async () => {
    const service = sdkService({ connect: 'at-start' });
    const orchestrator = createOrchestrator({ services: { down: service }, log: silentLog });
    expect(await eventually(() => service.connection.state === 'connected')).toBe(true);
    await orchestrator.close({ drainSeconds: 0 });
  });

  it('gives routing no more than 2 KiB of a talkative server', async () => {
    const service = rawService();
    await service.listTools();
    const size = (service.tools ?? []).reduce(
      (sum, tool) => sum + tool.name.length + (tool.description ?? '').length,
      0,
    );
    expect(size).toBeLessThanOrEqual(2048);
    expect(service).toMatchObject({ trusted: false });
    expect(service.examples).toBeUndefined();
  });

  it('its child sees only what it may, and what it is given', async () => {
    process.env.GAFFR_TEST_SECRET = 'hidden-value';
    process.env.GAFFR_TEST_KEY = 'the-api-key';
    onTestFinished(() => {
      delete process.env.GAFFR_TEST_SECRET;
      delete process.env.GAFFR_TEST_KEY;
    });
    const [command, args] = [process.execPath, ['test/fixtures/servers/mcp-stdio.mjs']];
    const env = { API_KEY: `\${env:GAFFR_TEST_KEY}`, MODE: 'quiet' };
    const service = opened({ transport: { kind: 'stdio', command, args, env } });
    const { text } = await say(service, '', { tool: 'environment' });
    expect(text).not.toContain('hidden-value');
    // It got the key; nobody else gets it from there.
    expect(JSON.parse(text)).toMatchObject({ API_KEY: '[redacted]', MODE: 'quiet', PATH: process.env.PATH });
  });

  it('fault S15: a command that is missing is SERVICE_UNAVAILABLE, not retryable, and named', async () => {
    const service = opened({ transport: { kind: 'stdio', command: 'no-such-command-anywhere' } });
    expect(await refusal(service, 'x')).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: false });
    expect((await refusal(service, 'x')).message).toContain('no-such-command-anywhere');
  });

  it('over HTTP a forgotten session is opened again, within the same attempt', async () => {
    const { child, port } = await startOnPort('mcp-http.mjs');
    const service = opened({
      transport: { kind: 'http', url: `http://127.0.0.1:${port}/mcp` },
      defaultTool: 'run',
    });
    expect((await say(service, 'echo one')).text).toBe('one');
    child.kill('SIGUSR2');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await say(service, 'echo two')).text).toBe('two');
  });

  it('over HTTP nothing is sent where a redirect leads', async () => {
    const elsewhere = await startStub((_request, response) => sendJson(response, 200, {}));
    const { address } = await startStub((_request, response) => {
      response.writeHead(307, { location: `${elsewhere.address}/mcp` }).end();
    });
    const headers = { authorization: 'Bearer a-token-of-ours' };
    const service = opened({ transport: { kind: 'http', url: `${address}/mcp`, headers } });
    expect((await refusal(service, 'x')).code).toBe('SERVICE_UNAVAILABLE');
    expect(elsewhere.requests).toEqual([]);
  });

  it.each([
    [{ transport: { kind: 'stdio', command: 'x', shell: true } }, 'shell'],
    [{ transport: { kind: 'http', url: 'file:///etc/passwd' } }, 'url'],
    [{ transport: { kind: 'http', url: 'http://x', headers: { a: 'b\r\nc: d' } } }, 'headers'],
    [{ transport: { kind: 'carrier-pigeon' } }, 'kind'],
  ])('refuses the options %j', (options, words) => {
    expect(() => mcpService({ name: 'x', ...options } as never)).toThrow(new RegExp(words));
  });
});

it('a pattern in a server’s schema costs no time, and a schema that refers to itself neither', async () => {
  const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
  const folder = mkdtempSync('/tmp/gaffr-schema-');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = `${folder}/tools.json`;
  const branch = { type: 'object', required: ['x'], properties: { a: { $ref: '#/properties/deep' } } };
  const properties = {
    text: { type: 'string', pattern: '^(a+)+$' },
    deep: { anyOf: [branch, { ...branch }] },
  };
  writeFileSync(file, JSON.stringify([{ name: 'slow', inputSchema: { type: 'object', properties } }]));
  const service = rawService('', {}, file);
  await service.listTools();
  let deep: object = {};
  for (let depth = 0; depth < 40; depth += 1) deep = { a: deep };
  const startedMs = performance.now();
  const wrong = { tool: 'slow', arguments: { text: `${'a'.repeat(5000)}!` } };
  expect((await refusal(service, '', wrong)).code).toBe('INVALID_INPUT');
  expect((await say(service, '', { tool: 'slow', arguments: { text: 'a', deep } })).text).toBe('slow');
  expect(performance.now() - startedMs).toBeLessThan(500);
});
