import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it, vi } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'silence-'));
// A process of its own that loads everything: seconds alone, much more on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

afterAll(() => rmSync(folder, { recursive: true }));

function runChild(missing: string) {
  const answerFile = join(folder, 'answers.json');
  const script = fileURLToPath(new URL('./vision-silence.child.ts', import.meta.url));
  const child = spawnSync(process.execPath, ['--import', 'tsx', script, answerFile, missing], {
    timeout: 55_000,
  });
  const answers = JSON.parse(readFileSync(answerFile, 'utf8')) as {
    text?: string;
    code?: string;
    message?: string;
  }[];
  return { status: child.status, stdout: child.stdout.toString(), answers };
}

it('vision writes nothing on stdout, which belongs to the protocol, and lets the process end', () => {
  const { status, stdout, answers } = runChild('');
  expect(answers).toMatchObject([
    { text: expect.stringContaining('1,284.50') },
    { text: expect.stringContaining('Okafor') },
  ]);
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

it('vision without tesseract.js still reads text layers, and names the install command for the rest', () => {
  const { answers } = runChild('tesseract.js');
  const missing = { code: 'MISSING_PACKAGE', message: expect.stringContaining('npm install tesseract.js') };
  expect(answers).toMatchObject([{ text: expect.stringContaining('1,284.50') }, missing]);
});
