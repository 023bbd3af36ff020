// Run by vision-silence.test.ts in a process of its own: anything that reaches stdout or stderr here was not ours to write.

import { writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { createVisionService } from '../../src/services/builtin/vision.js';
import { contextOf } from './service-context.js';

const [, , answerFile = '', missing = ''] = process.argv;

if (missing !== '') {
  const hook = `export async function resolve(specifier, context, next) {
    if (specifier === ${JSON.stringify(missing)}) throw Object.assign(new Error('not there'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(specifier, context);
  }`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

const vision = createVisionService({ roots: ['examples'] });
const answers = [];
for (const task of ['Read invoice.pdf', 'Read scan.pdf']) {
  answers.push(
    await Promise.resolve(vision.execute(task, contextOf())).then(
      (result) => ({ text: (result as { text: string }).text }),
      ({ code, message }) => ({ code, message }),
    ),
  );
}
writeFileSync(answerFile, JSON.stringify(answers));
// No close(): idle recognisers must not keep the process alive.
