import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findConfig } from '../../src/config/find-config.js';
import { userConfigFolder, userStateFolder } from '../../src/config/user-folders.js';
import { freshFolder, writeConfig } from './support.js';

it('looks at --config, GAFFR_CONFIG, the working folder and the user folder, in this order', async () => {
  const folder = freshFolder();
  const config = freshFolder();
  mkdirSync(join(config, 'gaffr'));
  writeFileSync(join(config, 'gaffr', 'gaffr.config.json'), '{}');
  const env = { XDG_CONFIG_HOME: config, APPDATA: config };
  const find = (named?: string, GAFFR_CONFIG?: string) =>
    findConfig({ named, env: { ...env, ...(GAFFR_CONFIG !== undefined && { GAFFR_CONFIG }) }, folder });

  expect(await find()).toEqual({ file: join(config, 'gaffr', 'gaffr.config.json'), by: 'user folder' });
  writeConfig({}, folder);
  expect(await find()).toEqual({ file: join(folder, 'gaffr.config.json'), by: 'working folder' });
  expect(await find(undefined, 'other.json')).toEqual({
    file: join(folder, 'other.json'),
    by: 'GAFFR_CONFIG',
  });
  expect(await find(undefined, '')).toMatchObject({ by: 'working folder' });
  expect(await find('named.json', 'other.json')).toEqual({
    file: join(folder, 'named.json'),
    by: '--config',
  });
});

it('finds nothing where nothing is', async () => {
  const env = { XDG_CONFIG_HOME: freshFolder(), APPDATA: freshFolder() };
  expect(await findConfig({ named: undefined, env, folder: freshFolder() })).toBeNull();
});

it('knows the folders of a user on each system', () => {
  expect(userStateFolder({ XDG_STATE_HOME: '/x' }, 'linux')).toBe('/x/gaffr');
  expect(userStateFolder({ XDG_STATE_HOME: 'relative' }, 'linux')).toMatch(/\.local\/state\/gaffr$/);
  expect(userStateFolder({ LOCALAPPDATA: '/l' }, 'win32')).toBe('/l/gaffr');
  expect(userConfigFolder({}, 'linux')).toMatch(/\.config\/gaffr$/);
  expect(userConfigFolder({ APPDATA: '/a' }, 'win32')).toBe('/a/gaffr');
});
