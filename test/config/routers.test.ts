import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { builtInStrategy } from '../../src/cli/built-in-strategy.js';
import { loadConfig } from '../../src/config/load-config.js';
import { permissionLine } from '../../src/config/trust.js';
import { ExecutionConfig } from '../../src/core/config.js';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator, LearnedStrategy, type Orchestrator } from '../../src/index.js';
import { sendEvents, sendJson, startStub, textEvent } from '../services/stub-model-server.js';
import { faultsOf, freshFolder, load, writeConfig } from './support.js';

let orchestrator: Orchestrator | undefined;
afterEach(() => orchestrator?.close());

const { routingConfig } = ExecutionConfig.create({ fallbackService: null });
const services = {
  tides: { service: () => 'high', description: 'Tells when the sea rises', examples: ['when is high water'] },
  bread: { service: () => 'baked', description: 'Bakes loaves', examples: ['bake a loaf of rye'] },
};

async function routed(routers: Parameters<typeof builtInStrategy>[1], task: string) {
  const strategy = await builtInStrategy(routingConfig, routers, silentLog);
  orchestrator = createOrchestrator({
    services,
    strategy,
    config: ExecutionConfig.create({ fallbackService: null }),
  });
  return orchestrator.explain(task);
}

describe('routers of a configuration', () => {
  it('are checked, with their keys kept secret and their file found beside the configuration', async () => {
    const folder = freshFolder();
    const file = writeConfig(
      {
        routers: {
          learned: 'routing.gaffr',
          llm: { baseURL: 'https://models.example/v1', model: 'small', apiKey: '${env:MODEL_KEY}' },
        },
      },
      folder,
    );
    const loaded = await loadConfig(file, { env: { MODEL_KEY: 'sk-of-the-router-0123' } });
    expect(loaded.config.routers).toMatchObject({
      learned: join(folder, 'routing.gaffr'),
      llm: { apiKey: 'sk-of-the-router-0123' },
    });
    expect(loaded.secrets).toContain('sk-of-the-router-0123');
    expect(loaded.permissions.map(permissionLine).join('\n')).toMatch(
      /talk to https:\/\/models\.example\/v1, told MODEL_KEY/,
    );
    expect(loaded.permissions.map(permissionLine).join('\n')).not.toContain('sk-of');
  });

  it('need no word for a model on this machine, and one for a file elsewhere', async () => {
    const local = { baseURL: 'http://127.0.0.1:11434/v1', model: 'small' };
    expect((await load({ routers: { llm: local, embedding: local } })).permissions).toEqual([]);
    const { permissions } = await load({ routers: { learned: '/elsewhere/routing.gaffr' } });
    expect(permissions.map(permissionLine).join()).toContain('/elsewhere/routing.gaffr');
  });

  it('say what is wrong with them', async () => {
    expect(await faultsOf({ routers: { llm: { baseURL: 'http://127.0.0.1:1/v1', modle: 'x' } } })).toEqual(
      expect.arrayContaining([expect.stringMatching(/routers\.llm.*modle/)]),
    );
    await expect(
      builtInStrategy(routingConfig, { learned: '/nowhere/routing.gaffr' }, silentLog),
    ).rejects.toThrow(/routers\.learned: .*\/nowhere\/routing\.gaffr/);
  });

  it('ask the language model where words do not tell, and only there', async () => {
    const stub = await startStub((_request, response) =>
      sendEvents(response, [textEvent(JSON.stringify({ service: 'tides' }), 'stop'), 'data: [DONE]\n\n']),
    );
    const llm = { baseURL: stub.baseURL, model: 'small' };
    expect(await routed({ llm }, 'bake a loaf of rye')).toMatchObject({ service: 'bread' });
    expect(stub.requests).toHaveLength(0);
    expect(await routed({ llm }, 'will my moored dinghy float at noon')).toMatchObject({ service: 'tides' });
    expect(stub.requests).toHaveLength(1);
  });

  it('ask the embedding model where words do not tell', async () => {
    const stub = await startStub(({ body }, response) => {
      const { input } = body as { readonly input: readonly string[] };
      const isOfSea = (text: string) => /sea|water|dinghy/i.test(text);
      const data = input.map((text, index) => ({ index, embedding: isOfSea(text) ? [1, 0] : [0, 1] }));
      sendJson(response, 200, { data });
    });
    const embedding = { baseURL: stub.baseURL, model: 'vectors' };
    expect(await routed({ embedding }, 'will my moored dinghy float at noon')).toMatchObject({
      service: 'tides',
    });
    expect(stub.requests.length).toBeGreaterThan(0);
  });

  it('use what was learned', async () => {
    const names = ['tides', 'bread'];
    const profiles = new Map(
      names.map((name) => [
        name,
        {
          name,
          examples: Array.from(
            { length: 20 },
            (_, n) => `${name === 'tides' ? 'moorings drift' : 'ovens glow'} ${n}`,
          ),
        },
      ]),
    );
    const learned = new LearnedStrategy();
    learned.onRegistryChange(profiles as never);
    await learned.train();
    const file = join(freshFolder(), 'routing.gaffr');
    await learned.save(file);
    const { service, ranked } = await routed({ learned: file }, 'which moorings drift');
    expect(service).toBe('tides');
    expect(ranked[0]?.strategy).toBe('learned');
  });
});
