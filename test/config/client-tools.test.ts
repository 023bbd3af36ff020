import { expect, it } from 'vitest';
import { faultsOf, load } from './support.js';

const server = { command: 'npx', args: ['-y', 'some-server'] };

it('an entry of a client’s block may say how words become calls', async () => {
  const rules = [{ match: '^echo (.+)$', tool: 'echo', arguments: { message: '$1' } }];
  const { specs } = await load({
    mcpServers: { echo: { ...server, rules, autoSelect: 'off', connectTimeoutSeconds: 30 } },
  });
  expect(specs.get('echo')?.spec).toMatchObject({ rules, autoSelect: 'off', connectTimeoutSeconds: 30 });
});

it('a rule that cannot run in linear time is a fault of the file, told with its line and without what a variable holds', async () => {
  const rules = [
    { match: 'fine', tool: 'echo' },
    { match: '(', tool: 'echo' },
    { match: '(?=${env:SECRET})', tool: 'echo' },
  ];
  const faults = await faultsOf({ mcpServers: { echo: { ...server, rules } } }, { SECRET: 'hidden-word' });
  expect(faults).toEqual([
    'line 15, mcpServers.echo.rules[1].match: is no expression that runs in linear time: missing closing ); got "("',
    expect.stringMatching(/^line 19, .*rules\[2\]\.match: .*got "\(\?=\$\{env:SECRET\}\)"$/),
  ]);
  expect(faults.join()).not.toContain('hidden-word');
});

it('a key that is no text is told once', async () => {
  expect(await faultsOf({ builtins: { chat: { apiKey: 7 } } })).toEqual([
    'line 4, builtins.chat.apiKey: must be a text, not a number',
  ]);
});

it('a list as "tools" names those that may be called', async () => {
  const { specs } = await load({
    mcpServers: { all: { ...server, tools: ['*'] }, some: { ...server, tools: { deny: ['write_*'] } } },
  });
  expect(specs.get('all')?.spec).toMatchObject({ tools: { allow: ['*'] } });
  expect(specs.get('some')?.spec).toMatchObject({ tools: { deny: ['write_*'] } });
});

it('a planner that is no model is a fault there too', async () => {
  expect((await faultsOf({ mcpServers: { echo: { ...server, planner: 'echo' } } })).join()).toContain(
    'names no service of the kind openai',
  );
});

it('what vision and responses reach and start needs the user’s word', async () => {
  const { permissions, secrets } = await load(
    {
      builtins: {
        vision: {
          model: {
            baseURL: 'https://eyes.example/v1',
            model: 'm',
            apiKey: '${env:EYES}',
            headers: { 'x-own': '${env:OWN}' },
          },
        },
        responses: { browser: {}, search: { provider: 'brave', apiKey: '${env:BRAVE}' } },
      },
    },
    { EYES: 'eyes-0123456789', BRAVE: 'brave-0123456789', OWN: 'own-0123456789' },
  );
  const texts = permissions.map(({ kind, text }) => `${kind} ${text}`);
  expect(texts).toEqual([
    'connect https://eyes.example/v1, told EYES, OWN',
    expect.stringMatching(/^run (?:npx .*@playwright\/mcp|the Playwright MCP server)/),
    'connect https://api.search.brave.com/res/v1/web/search, told BRAVE',
  ]);
  expect(secrets).toEqual(expect.arrayContaining(['eyes-0123456789', 'brave-0123456789', 'own-0123456789']));
});

it.each([
  [{ vision: { languages: ['../../x'] } }, 'languages'],
  [{ responses: { search: { provider: 'brave' } } }, 'apiKey'],
  [{ responses: { search: { provider: 'bing', apiKey: 'x' } } }, 'provider'],
  [{ responses: { browser: { shell: true } } }, 'shell'],
  [{ chat: { probe: ['http://169.254.169.254'] } }, 'this machine'],
  [{ vision: { model: { baseURL: 'https://user:pass@eyes.example/v1', model: 'm' } } }, 'apiKey'],
])('%j is refused, naming %s', async (builtins, word) => {
  expect((await faultsOf({ builtins })).join()).toContain(word);
});
