import { describe, expect, it } from 'vitest';
import { type IntentArguments, readIntent } from '../../src/services/builtin/responses-intent.js';

const files = (query: string, folder: string | null = null) => ({ kind: 'files', query, folder });
const web = (query: string) => ({ kind: 'web', query });
const page = (url: string) => ({ kind: 'page', url });

describe('readIntent() tells from the words', () => {
  it.each([
    ['Browse https://example.com/a_(b).', page('https://example.com/a_(b)')],
    ['Summarize (https://example.com/a)', page('https://example.com/a')],
    ['Search "https://example.com/?q=1" for prices', page('https://example.com/?q=1')],
    ['fetch ftp://example.com/a', page('ftp://example.com/a')],
    ['Browse example.com and get the headline', page('https://example.com')],
    ['Read the page docs.example.org/start, please', page('https://docs.example.org/start')],
    ['Open localhost:3000/health', page('http://localhost:3000/health')],
    ['Search my notes for the default timeout', files('the default timeout')],
    ['Find the default timeout in my notes', files('the default timeout')],
    ['What do my notes say about backups?', files('backups')],
    ['Look for "empty database" in the documents', files('empty database')],
    ['Search my notes for google', files('google')],
    ['Search the files under docs/guide for retries', files('retries', 'docs/guide')],
    ['Search in "my folder" for retries', files('retries', 'my folder')],
    ['grep restore in notes/backups.md', files('restore', 'notes/backups.md')],
    ['Search the notes in examples/notes for lifts.', files('lifts', 'examples/notes')],
    ['Search my notes', files('')],
    ['Search Google for latest news', web('latest news')],
    ['Search the web for notes on XState', web('notes on XState')],
    ['Search web', web('')],
    ['Look up the opening hours online', web('the opening hours')],
    ['Search for cats', web('cats')],
    ['Find the latest news about trains', web('trains')],
    ['Click the login button', { kind: 'browser' }],
    ['Go to https://example.com and click the first link', { kind: 'browser' }],
    ['Read notes.md', { kind: 'unclear' }],
    ['Hello there', { kind: 'unclear' }],
    ['', { kind: 'unclear' }],
  ])('%j', (task, intent) => {
    expect(readIntent(task, {})).toEqual(intent);
  });
});

describe('readIntent() lets kwargs win over words', () => {
  it.each<[string, IntentArguments, object]>([
    ['Search the web', { url: 'https://a.example' }, page('https://a.example')],
    ['Anything', { query: 'cats', folder: 'notes' }, files('cats', 'notes')],
    ['Search my notes for dogs', { query: 'cats' }, files('cats')],
    ['Anything', { query: 'cats' }, web('cats')],
    ['Search in "a" for cats', { folder: 'b' }, files('cats', 'b')],
  ])('%j %j', (task, kwargs, intent) => {
    expect(readIntent(task, kwargs)).toEqual(intent);
  });
});

it.each([
  ['words', 'search '.repeat(150_000)],
  ['brackets', `https://a.example/${')'.repeat(1_000_000)}`],
  ['quotes', `search in ${'"'.repeat(1_000_000)}`],
  ['slashes', `search in ${'a/'.repeat(500_000)} `],
  ['dots', `open ${'a.'.repeat(500_000)}`],
  ['spaces', `type ${' '.repeat(1_000_000)}`],
])('readIntent() answers at once for a megabyte of %s', (_what, task) => {
  const started = performance.now();
  readIntent(task, {});
  expect(performance.now() - started).toBeLessThan(250);
});
