/** The naive Bayes classifier of `natural`, trained on the examples and descriptions. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @param {readonly { name: string, description?: string, examples: readonly string[] }[]} services */
export async function open(services) {
  // At import it reads `.env` of the working folder and tells about it on stdout.
  process.env.DOTENV_CONFIG_QUIET = 'true';
  process.chdir(mkdtempSync(join(tmpdir(), 'gaffr-bench-')));
  const { default: natural } = await import('natural');
  const classifier = new natural.BayesClassifier();
  for (const { name, description, examples } of services) {
    if (description !== undefined) classifier.addDocument(description, name);
    for (const example of examples) classifier.addDocument(example, name);
  }
  classifier.train();
  return {
    /** Posteriors: the values it gives are not normalised. @param {string} text */
    rank(text) {
      const found = classifier.getClassifications(text);
      const total = found.reduce((sum, { value }) => sum + value, 0);
      return found.map(({ label, value }) => [label, total > 0 ? value / total : 0]);
    },
  };
}
