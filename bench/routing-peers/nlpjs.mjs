/** The intent classifier of `@nlpjs/basic`, trained on the examples and descriptions. */
import { dockStart } from '@nlpjs/basic';

const SETTINGS = {
  forceNER: false,
  autoSave: false,
  autoLoad: false,
  languages: ['en'],
  nlu: { log: false },
};

/** @param {readonly { name: string, description?: string, examples: readonly string[] }[]} services */
export async function open(services) {
  const dock = await dockStart({ settings: { nlp: SETTINGS }, use: ['Basic'] });
  const nlp = dock.get('nlp');
  nlp.addLanguage('en');
  for (const { name, description, examples } of services) {
    if (description !== undefined) nlp.addDocument('en', description, name);
    for (const example of examples) nlp.addDocument('en', example, name);
  }
  await nlp.train();
  return {
    /** Its answer for "none of them" is an intent called None. @param {string} text */
    async rank(text) {
      const { classifications } = await nlp.process('en', text);
      return classifications
        .filter(({ intent }) => intent !== 'None')
        .map(({ intent, score }) => [intent, score]);
    },
  };
}
