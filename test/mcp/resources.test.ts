import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { createOrchestrator } from '../../src/orchestrator.js';
import { fakeOrchestrator, orchestratorStats, serviceStatus } from '../support/fake-orchestrator.js';
import { connectInMemory, readJson } from '../support/mcp-client.js';

const services = ['echo', 'a b', '__proto__'].map((name) => serviceStatus({ name }));
const orchestrator = fakeOrchestrator({ listServices: () => services });

describe('resources', () => {
  it('are listed: what is always there, then the services', async () => {
    const { client } = await connectInMemory(createOrchestrator({ services: { echo: (task) => task } }));
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual([
      'gaffr://services',
      'gaffr://stats',
      'gaffr://machines/service',
      'gaffr://machines/service/mermaid',
      'gaffr://machines/supervisor',
      'gaffr://machines/supervisor/mermaid',
      'gaffr://services/echo',
    ]);
    for (const { uri, mimeType } of resources) {
      const { contents } = await client.readResource({ uri });
      expect(contents[0]).toMatchObject({ uri, ...(mimeType && { mimeType }) });
    }
  });

  it('are listed page by page', async () => {
    const many = Array.from({ length: 250 }, (_, index) => serviceStatus({ name: `s${index}` }));
    const { client } = await connectInMemory(fakeOrchestrator({ listServices: () => many }));
    const uris: string[] = [];
    const sizes: number[] = [];
    let cursor: string | undefined;
    do {
      // listResources() of this client would collect all pages.
      const params = cursor === undefined ? {} : { cursor };
      const page = await client.request({ method: 'resources/list', params });
      sizes.push(page.resources.length);
      uris.push(...page.resources.map(({ uri }) => uri));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(sizes).toEqual([102, 100, 50]);
    expect(new Set(uris).size).toBe(252);
  });

  it.each(['0', '-1', 'x', '1e3', '99999999999'])('refuse the cursor %j', async (cursor) => {
    const { client } = await connectInMemory(orchestrator);
    await expect(client.listResources({ cursor })).rejects.toMatchObject({ code: -32602 });
  });

  it('have templates, without machines and runs where there are none', async () => {
    const templatesOf = async (...given: Parameters<typeof connectInMemory>) => {
      const { client } = await connectInMemory(...given);
      const { resourceTemplates } = await client.listResourceTemplates();
      return resourceTemplates.map(({ uriTemplate }) => uriTemplate);
    };
    expect(await templatesOf(orchestrator)).toEqual(['gaffr://services/{name}']);
    const runs = { get: () => undefined, watch: () => () => {} };
    expect(await templatesOf(createOrchestrator(), { runSource: runs })).toEqual([
      'gaffr://services/{name}',
      'gaffr://machines/{name}',
      'gaffr://machines/{name}/mermaid',
      'gaffr://runs/{id}',
    ]);
  });

  it('show one service, whatever its name', async () => {
    const { client } = await connectInMemory(orchestrator);
    expect(await readJson(client, 'gaffr://services/a%20b')).toMatchObject({ name: 'a b', state: 'idle' });
    expect(await readJson(client, 'gaffr://services/__proto__')).toMatchObject({ name: '__proto__' });
    expect(await readJson(client, 'gaffr://services')).toMatchObject({
      services: [{ name: 'echo' }, { name: 'a b' }, { name: '__proto__' }],
      maxParallel: 5,
    });
  });

  it('show the counts, with null for "no limit"', async () => {
    const stats = () => orchestratorStats({ maxParallel: Number.POSITIVE_INFINITY, completed: 7 });
    const { client } = await connectInMemory(fakeOrchestrator({ stats }));
    expect(await readJson(client, 'gaffr://stats')).toMatchObject({ maxParallel: null, completed: 7 });
  });

  it('show a machine as a configuration that XState takes, and as a diagram', async () => {
    const { client } = await connectInMemory(createOrchestrator());
    const { contents } = await client.readResource({ uri: 'gaffr://machines/service' });
    const [config, diagram] = contents as { readonly uri: string; readonly text: string }[];
    const machine = createMachine(JSON.parse(config?.text ?? ''));
    expect(Object.keys(machine.states)).toEqual(['idle', 'busy', 'retrying', 'failed']);
    expect(diagram?.text).toContain('idle --> busy: ASSIGN');
    const { contents: alone } = await client.readResource({ uri: diagram?.uri ?? '' });
    expect(alone).toEqual([diagram]);
  });

  it('fault C15 show a run to its own principal, and say the same of a foreign and of an unknown one', async () => {
    const get = (id: string, principal: string | null) =>
      id === 'mine' && principal === null ? JSON.stringify({ runId: id, status: 'running' }) : undefined;
    const { client } = await connectInMemory(orchestrator, { runSource: { get, watch: () => () => {} } });
    expect(await readJson(client, 'gaffr://runs/mine')).toEqual({ runId: 'mine', status: 'running' });
    await expect(client.readResource({ uri: 'gaffr://runs/other' })).rejects.toThrow('Resource not found');
  });

  it.each(['gaffr://services/nobody', 'gaffr://machines/none', 'gaffr://runs/1', 'file:///etc/passwd', ''])(
    'know nothing of %j, to read or to subscribe to',
    async (uri) => {
      const { client } = await connectInMemory(createOrchestrator());
      await expect(client.readResource({ uri })).rejects.toThrow('Resource not found');
      await expect(client.subscribeResource({ uri })).rejects.toThrow('Resource not found');
    },
  );

  it('come shorter when they would be too large, and say so when even that is too much', async () => {
    const wordy = serviceStatus({ name: 'wordy', description: 'x'.repeat(2_000_000) });
    const wide = Array.from({ length: 5000 }, (_, index) =>
      serviceStatus({ name: `s${index}`, description: 'y'.repeat(300) }),
    );
    let listed = [wordy];
    const { client } = await connectInMemory(fakeOrchestrator({ listServices: () => listed }));
    expect(await readJson(client, 'gaffr://services')).toMatchObject({ services: [{ name: 'wordy' }] });
    expect(await readJson(client, 'gaffr://services/wordy')).toMatchObject({ name: 'wordy' });
    listed = wide;
    await expect(client.readResource({ uri: 'gaffr://services' })).rejects.toThrow(
      /larger than .* listServices/,
    );
  });

  it('say no more than an error id when the orchestrator breaks', async () => {
    const errors: object[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (facts: object) => void errors.push(facts) };
    const listServices = () => {
      throw new Error('a secret of /home');
    };
    const { client } = await connectInMemory(fakeOrchestrator({ listServices }), { log });
    const failed = await client.readResource({ uri: 'gaffr://services' }).catch((cause: Error) => cause);
    expect(String(failed)).toMatch(/INTERNAL: .*error id [\da-f-]{36}/);
    expect(String(failed)).not.toContain('secret');
    expect(errors).toHaveLength(1);
  });
});
