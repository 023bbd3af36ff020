import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { channelOf, repositoryOf, tagFaults, versionsHere } from '../../scripts/release.mjs';

const folder = new URL('../../.github/workflows/', import.meta.url);
const workflows = readdirSync(folder).map((name): [string, string] => [
  name,
  readFileSync(new URL(name, folder), 'utf8'),
]);
const textOf = (name: string): string => new Map(workflows).get(name) ?? '';

describe.each(workflows)('the workflow %s', (_name, text) => {
  it('holds no secret, and reads the repository only unless a job says more', () => {
    expect(text).not.toMatch(/secrets\.|_TOKEN|password/i);
    expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
    expect(text).not.toMatch(/pull_request_target|contents: write|write-all/);
  });

  it('pins each action to a commit, and leaves no credentials in the checkout', () => {
    const uses = [...text.matchAll(/uses: (.*)/g)].map(([, action]) => action);
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses) expect(action).toMatch(/^actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    expect(text.split('persist-credentials: false')).toHaveLength(text.split('actions/checkout@').length);
  });
});

it('CI runs .ci/run on the oldest Node that package.json allows, and on later ones, on three platforms', () => {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', folder), 'utf8'));
  const oldest = /\d+/.exec(engines.node)?.[0];

  expect(textOf('ci.yml')).toContain('run: bash .ci/run');
  expect(textOf('ci.yml')).toContain(`node: [${oldest}, 22, 24]`);
  expect(textOf('ci.yml')).toContain('os: [ubuntu-latest, macos-latest, windows-latest]');
});

it('a release is verified first, and published with its provenance', () => {
  expect(textOf('release.yml')).toMatch(/verify:[\s\S]*bash \.ci\/run[\s\S]*publish:\n {4}needs: verify/);
  expect(textOf('release.yml')).toContain('npm publish --provenance --access public');
  expect(textOf('release.yml')).toContain('id-token: write');
});

it('every file that names the version names the same', () => {
  const versions = versionsHere();

  expect(tagFaults(`v${versions['package.json']}`, versions)).toEqual([]);
});

it('tagFaults() says what differs', () => {
  expect(tagFaults('v1.2.3', { a: '1.2.3', b: '1.2.4' })).toEqual([
    'b has version 1.2.4, the tag is v1.2.3; make them the same.',
  ]);
  expect(tagFaults('latest', {})).toEqual(['The tag must be like v1.2.3, not "latest".']);
});

it('channelOf() keeps trial versions from those who did not ask', () => {
  expect(['v1.0.0', 'v1.0.0-rc.1'].map(channelOf)).toEqual(['latest', 'next']);
});

it('repositoryOf() takes an address of a repository only', () => {
  const repository = { type: 'git', url: 'git+https://github.com/owner/gaffr.git' };

  expect(repositoryOf('https://github.com/owner/gaffr')).toEqual(repository);
  expect(repositoryOf('https://github.com/owner/gaffr.git')).toEqual(repository);
  expect(() => repositoryOf('owner/gaffr')).toThrow(
    'must be like https://github.com/owner/name, not "owner/gaffr"',
  );
});
