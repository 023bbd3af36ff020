import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createOpenAIService } from '../../src/services/openai.js';
import { contextOf } from './service-context.js';
import { modelThatSays, startStub } from './stub-model-server.js';

const PNG = Buffer.from('89504e470d0a1a0a0000', 'hex');

function folderWith(name: string, bytes: Buffer | string): string {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-pictures-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, name), bytes);
  return folder;
}

it('shows a model the pictures of kwargs.images, from the roots or as data', async () => {
  const { baseURL, requests } = await startStub(modelThatSays('a cat'));
  const service = createOpenAIService({ baseURL, model: 'stub-1', roots: [folderWith('cat.png', PNG)] });
  const data = `data:image/png;base64,${PNG.toString('base64')}`;
  const images = ['cat.png', data];
  expect(await service.execute('What is this?', contextOf({ kwargs: { images } }))).toMatchObject({
    text: 'a cat',
  });
  const picture = { type: 'image_url', image_url: { url: data } };
  expect(requests[0]?.body).toMatchObject({
    messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, picture, picture] }],
  });
});

it.each([
  ['/etc/hostname', 'OUTSIDE_ROOT'],
  ['../no/such/file.png', 'OUTSIDE_ROOT'],
  ['missing.png', 'NOT_FOUND'],
  ['notes.txt', 'INVALID_INPUT'],
  ['http://169.254.169.254/latest/meta-data', 'INVALID_INPUT'],
  ['data:text/html;base64,PGI+', 'INVALID_INPUT'],
])('refuses the picture %s with %s, and asks no model', async (image, code) => {
  const { baseURL, requests } = await startStub(modelThatSays('?'));
  const service = createOpenAIService({
    baseURL,
    model: 'stub-1',
    roots: [folderWith('notes.txt', 'notes')],
  });
  const work = service.execute('x', contextOf({ kwargs: { images: [image] } }));
  await expect(work).rejects.toMatchObject({ code, retryable: false });
  expect(requests).toEqual([]);
});

it('without roots no file is read', async () => {
  const { baseURL } = await startStub(modelThatSays('?'));
  const service = createOpenAIService({ baseURL, model: 'stub-1' });
  const work = service.execute('x', contextOf({ kwargs: { images: ['package.json'] } }));
  await expect(work).rejects.toMatchObject({ code: 'OUTSIDE_ROOT' });
});
