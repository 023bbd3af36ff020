import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildServices, closeAll } from '../../src/config/build-services.js';
import { loadConfig } from '../../src/config/load-config.js';
import { Redactor } from '../../src/core/redactor.js';
import { createOrchestrator, OrchestratorError, type ServiceContext } from '../../src/index.js';
import { redactedService } from '../../src/services/redacted-service.js';
import { freshFolder, load, writeConfig } from './support.js';

const ECHO = `export default (task) => 'echo ' + task;
export const object = { execute: (task) => task.length, description: 'own words', keywords: ['own'] };`;

async function orchestratorOf(content: unknown, env: Record<string, string> = {}) {
  const folder = freshFolder();
  writeFileSync(join(folder, 'echo.mjs'), ECHO);
  const redactor = new Redactor();
  const loaded = await loadConfig(writeConfig(content, folder), { env });
  for (const secret of loaded.secrets) redactor.add(secret);
  const built = await buildServices(loaded, redactor);
  const services = new Map([...built].map(([name, { settings }]) => [name, settings]));
  return createOrchestrator({ services, config: { routingConfig: { fallbackService: null } } });
}

describe('buildServices()', () => {
  it('makes services that work, with what the file says of them', async () => {
    const orchestrator = await orchestratorOf({
      services: {
        echo: {
          kind: 'module',
          module: './echo.mjs',
          description: 'says it again',
          keywords: ['again', { text: 'once more', weight: 2 }],
          concurrency: 3,
          idempotent: true,
          timeoutSeconds: 7,
          retryOnFailure: false,
        },
        length: { kind: 'module', module: './echo.mjs', export: 'object', isolate: 'thread' },
      },
    });
    expect(await orchestrator.execute('hi', { service: 'echo' })).toMatchObject({ result: 'echo hi' });
    expect(await orchestrator.execute('four', { service: 'length' })).toMatchObject({ result: 4 });
    expect(orchestrator.registry.get('echo')).toMatchObject({
      concurrency: 3,
      idempotent: true,
      timeoutMs: 7000,
      maxRetries: 0,
      profile: { description: 'says it again', keywords: ['again', { text: 'once more', weight: 2 }] },
    });
    await orchestrator.close();
  });

  it('runs the built-in services with their options and their own words', async () => {
    const orchestrator = await orchestratorOf({
      builtins: { vision: { concurrency: 1, maxPages: 2 }, reasoning: { keywords: ['sums'] }, chat: false },
      services: { notes: { kind: 'builtin', name: 'responses', roots: ['.'], keywords: ['notes'] } },
    });
    expect(orchestrator.registry.listServices()).toEqual(['vision', 'responses', 'reasoning', 'notes']);
    expect(orchestrator.registry.get('vision')).toMatchObject({ concurrency: 1 });
    expect(orchestrator.registry.get('reasoning')?.profile).toMatchObject({
      keywords: ['sums'],
      description: expect.stringContaining('arithmetic'),
    });
    expect(await orchestrator.execute('What is 6 * 7?', { service: 'reasoning' })).toMatchObject({
      success: true,
    });
    await orchestrator.close();
  });

  it('says which services cannot be made, all of them', async () => {
    const services = {
      a: { kind: 'module', module: './x.mjs', env: { A: 'b' } },
      b: { kind: 'module', module: 'data:text/javascript,1', execPath: '/node' },
      c: { kind: 'module', module: './y.mjs' },
    };
    await expect(buildServices(await load({ services }), new Redactor())).rejects.toMatchObject({
      name: 'ConfigError',
      problems: [
        { path: ['services', 'a'], message: expect.stringContaining('"env" has no effect') },
        { path: ['services', 'b'], message: expect.stringContaining('"execPath" has no effect') },
      ],
    });
  });

  it('makes only those whose options have changed', async () => {
    const content = { services: { a: { kind: 'module', module: './x.mjs' } } };
    const loaded = await load(content);
    const all = await buildServices(loaded, new Redactor());
    const known = new Map([...all].map(([name, { print }]) => [name, print]));
    expect([...(await buildServices(loaded, new Redactor(), known)).keys()]).toEqual([]);
    known.set('a', 'something else');
    expect([...(await buildServices(loaded, new Redactor(), known)).keys()]).toEqual(['a']);
    await closeAll(all.values());
  });
});

describe('redactedService()', () => {
  const redactor = new Redactor();
  redactor.add('topsecret-1');
  const said: unknown[] = [];
  const note = (facts: object, message: string): void => void said.push([facts, message]);
  const context: ServiceContext = {
    kwargs: { a: 1 },
    signal: new AbortController().signal,
    attempt: 1,
    taskId: 't',
    deadline: null,
    idempotencyKey: null,
    traceparent: null,
    progress: (fraction, message) => void said.push([fraction, message]),
    log: { debug: note, info: note, warn: note, error: note },
  };
  const run = (execute: (task: string, context: ServiceContext) => unknown): unknown =>
    redactedService({ execute }, redactor).execute('x', context);

  it('cleans results, progress and log lines', async () => {
    const result = await run((_task, { progress, log, kwargs }) => {
      progress(0.5, 'at topsecret-1');
      log.warn({ key: 'topsecret-1' }, 'topsecret-1 used');
      return { kwargs, text: 'is topsecret-1' };
    });
    expect(result).toEqual({ kwargs: { a: 1 }, text: 'is [redacted]' });
    expect(said).toEqual([
      [0.5, 'at [redacted]'],
      [{ key: '[redacted]' }, '[redacted] used'],
    ]);
  });

  it('leaves out a message of progress that is no text', async () => {
    said.length = 0;
    const result = await run((_task, { progress }) => Reflect.apply(progress, undefined, [0.5, 1n]));
    expect(result).toBeUndefined();
    expect(said).toEqual([[0.5, undefined]]);
  });

  it('cleans errors, thrown at once or later, and keeps their kind', async () => {
    const error = new OrchestratorError('NO_MODEL', 'no topsecret-1', { key: 'topsecret-1' });
    const expected = {
      code: 'NO_MODEL',
      message: 'no [redacted]',
      facts: { key: '[redacted]' },
      retryable: false,
    };
    const throwing = (): never => {
      throw error;
    };
    await expect(run(throwing)).rejects.toMatchObject(expected);
    await expect(run(async () => throwing())).rejects.toBeInstanceOf(OrchestratorError);
    await expect(run(() => Promise.reject('topsecret-1'))).rejects.toBe('[redacted]');
  });

  it('cleans what a generator yields', async () => {
    const items: unknown[] = [];
    const outcome = run(async function* () {
      yield 'a topsecret-1';
      throw new Error('topsecret-1');
    });
    await expect(
      (async () => {
        for await (const item of outcome as AsyncIterable<unknown>) items.push(item);
      })(),
    ).rejects.toThrow('[redacted]');
    expect(items).toEqual(['a [redacted]']);
  });

  it('cleans what a service says of itself, when it is asked', async () => {
    class Learning {
      #description = 'nothing';
      closed = false;
      get description() {
        return this.#description;
      }
      execute() {
        this.#description = 'knows topsecret-1';
      }
      close() {
        this.closed = true;
      }
    }
    const learning = new Learning();
    const service = redactedService(learning, redactor);
    await service.execute('x', context);
    expect(service.description).toBe('knows [redacted]');
    service.close?.();
    expect(learning.closed).toBe(true);
  });
});
