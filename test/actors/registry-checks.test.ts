import { describe, expect, it } from 'vitest';
import { ServiceRegistry } from '../../src/actors/registry.js';
import { silentLog } from '../../src/core/environment.js';
import { misuse } from '../../src/core/errors.js';
import { createOrchestrator, type ServiceInput } from '../../src/index.js';

const execute = (task: string): string => task;

const WRONG: readonly [field: string, value: unknown, message: string][] = [
  ['description', 42, 'Service "odd" has description 42; it must be a string.'],
  [
    'keywords',
    'pdf',
    'Service "odd" has keywords "pdf"; it must be an array of strings or { text, weight }.',
  ],
  [
    'keywords',
    ['pdf', { weight: 2 }],
    'Service "odd" has keywords[1] an object; keywords must be an array of strings or { text, weight }.',
  ],
  ['capabilities', {}, 'Service "odd" has capabilities an object; it must be an array of strings.'],
  ['examples', 'Read this.', 'Service "odd" has examples "Read this."; it must be an array of strings.'],
  ['examples', [null], 'Service "odd" has examples[0] null; examples must be an array of strings.'],
  ['tools', ['look'], 'Service "odd" has tools[0] "look"; tools must be an array of { name, description }.'],
  ['trusted', 'no', 'Service "odd" has trusted "no"; it must be true or false.'],
  ['idempotent', 'yes', 'Service "odd" has idempotent "yes"; it must be true or false.'],
];

describe('ServiceRegistry.register()', () => {
  it.each(WRONG)('refuses a service with %s %j, and says what it must be', (field, value, message) => {
    const registry = new ServiceRegistry();
    const forms: unknown[] = [
      { execute, [field]: value },
      { service: execute, [field]: value },
      { service: { execute, [field]: value } },
    ];
    for (const form of forms) {
      expect(() => registry.register('odd', form as ServiceInput)).toThrow(misuse(message));
    }
    expect(registry.listServices()).toEqual([]);
  });

  it('takes every form of the fields, and those that say nothing', () => {
    const registry = new ServiceRegistry();
    const said = {
      description: 'Looks.',
      keywords: ['look', { text: 'see' }, { text: 'watch', weight: 2 }],
      capabilities: ['looking'],
      examples: ['look at this'],
      tools: [{ name: 'look' }, { name: 'see', description: 'Sees.' }],
      trusted: false,
    };
    registry.register('full', { execute, ...said });
    expect(registry.get('full')?.profile).toEqual({ name: 'full', ...said });
    const nothing = { execute, description: null, keywords: undefined, examples: null, idempotent: null };
    registry.register('empty', nothing as unknown as ServiceInput);
    expect(registry.get('empty')?.profile).toEqual({ name: 'empty' });
  });

  it('lets what stands beside a service win over what the service says wrongly of itself', () => {
    const registry = new ServiceRegistry();
    const service = { execute, tools: { look: {} } };
    registry.register('odd', { service, tools: [{ name: 'look' }] } as unknown as ServiceInput);
    expect(registry.get('odd')?.profile.tools).toEqual([{ name: 'look' }]);
  });
});

it('a service that says something wrong of itself later keeps the profile that it had', async () => {
  let tell = (): void => {};
  const service = {
    execute,
    examples: ['weigh a parcel'] as unknown,
    onProfileChange: (listener: () => void) => {
      tell = listener;
      return () => {};
    },
  };
  const orchestrator = createOrchestrator({
    services: { scales: service as ServiceInput, chat: execute, other: execute },
    log: silentLog,
  });
  service.examples = 'weigh a parcel';
  tell();
  expect(orchestrator.registry.get('scales')?.profile.examples).toEqual(['weigh a parcel']);
  await orchestrator.close();
});
