/** What a task wants of the service `responses`, told from its words and kwargs. Pure. */

/** What is to be done. */
export type Intent =
  | { readonly kind: 'page'; readonly url: string }
  | { readonly kind: 'files'; readonly query: string; readonly folder: string | null }
  | { readonly kind: 'web'; readonly query: string }
  | { readonly kind: 'browser' }
  | { readonly kind: 'unclear' };

/** The kwargs that take part. */
export interface IntentArguments {
  readonly url?: string | undefined;
  readonly query?: string | undefined;
  readonly folder?: string | undefined;
  readonly steps?: unknown;
}

/** Characters of a task that are looked at. */
const SEARCHED_CHARACTERS = 8_192;

const ADDRESS = /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s<>"'`]+/i;

/** "example.com/page" after a verb of going there; a file name such as notes.md is none. */
const BARE_ADDRESS =
  /\b(?:browse|visit|open|fetch|read|load|get|go to|navigate to|summari[sz]e)\s+(?:to\s+|the\s+)?(?:(?:page|site|website|url)\s+(?:at\s+|of\s+|on\s+)?)?((?:localhost|(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24})(?::\d{1,5})?(?:\/[^\s<>"'`]*)?)(?=$|[\s,;:!?.)"'`])/i;
const FILE_ENDING =
  /\.(?:md|markdown|txt|text|json|csv|tsv|html?|log|ya?ml|toml|pdf|png|jpe?g|docx?|xlsx?|rst)$/i;

/** Things only a real browser does. */
const BROWSER_WORK =
  /\b(?:click(?:s|ing)?|log ?in to|sign in to|fill (?:in|out)|scroll|press the|type .+ into|(?:take|make) a screenshot)\b/i;

const WEB = /\b(?:web|internet|online|google|bing|duckduckgo|searxng|latest news|news about|websites?)\b/i;
const FILES =
  /\b(?:(?:in|within|across|inside|under|through)\s+)?(?:(?:my|our|the|these|those|all|local|of)\s+)*(?:notes?|files?|documents?|docs|folders?|director(?:y|ies)|notebooks?|records)\b/i;
const SEARCH =
  /\b(?:search(?:es|ing)?|find|look(?:ing)? (?:up|for)|grep|google|locate|latest news|what do)\b/i;

const QUOTES = `["'\`“]([^"'\`”\\n]{1,300})["'\`”]`;
const FOLDER_WORDS =
  '(?:\\b(?:in|under|inside|within|below)\\s+(?:the\\s+)?(?:(?:folder|directory)\\s+)?|\\b(?:folder|directory)\\s+)';
const QUOTED_FOLDER = new RegExp(`${FOLDER_WORDS}${QUOTES}`, 'i');
const PLAIN_FOLDER = new RegExp(`${FOLDER_WORDS}((?:~|\\.{1,2})?/?[^\\s"'\`,;:!?]*/[^\\s"'\`,;:!?]*)`, 'i');

/** Words between the command and what is looked for. */
const BEFORE_QUERY = /^.*?\b(?:for|about|on|regarding|mentioning|concerning)\s+/i;
const AFTER_QUERY = /(?:\b(?:in|within|across|inside|from|on|the|my|all|our)\s*)+$/i;

/** Reads the intent. Explicit kwargs win over words; an address over a search; of several places the first named. */
export function readIntent(task: string, kwargs: IntentArguments): Intent {
  const text = task.slice(0, SEARCHED_CHARACTERS).trim();
  const address = ADDRESS.exec(text);
  const withoutAddress = address === null ? text : text.replace(address[0], ' ');
  if (kwargs.url !== undefined) return { kind: 'page', url: kwargs.url };
  // A label such as "Search" is no search.
  const words = withoutAddress.replace(new RegExp(QUOTES, 'g'), ' ');
  if (kwargs.steps !== undefined) return { kind: 'browser' };
  if (kwargs.query === undefined && BROWSER_WORK.test(withoutAddress) && !SEARCH.test(words)) {
    return { kind: 'browser' };
  }
  if (address !== null) return { kind: 'page', url: withoutEnd(address[0]) };
  const bare = BARE_ADDRESS.exec(text)?.[1];
  if (bare !== undefined && !FILE_ENDING.test(bare.split('/')[0] ?? '')) {
    return { kind: 'page', url: `${bare.startsWith('localhost') ? 'http' : 'https'}://${withoutEnd(bare)}` };
  }
  return searchIntent(text, kwargs);
}

function searchIntent(text: string, kwargs: IntentArguments): Intent {
  const named = QUOTED_FOLDER.exec(text) ?? PLAIN_FOLDER.exec(text);
  const folder = kwargs.folder ?? named?.[1]?.replace(/[.)]+$/, '') ?? null;
  const words = named === null ? text : text.replace(named[0], ' ').trim();
  const web = WEB.exec(words)?.index ?? Number.POSITIVE_INFINITY;
  const files = FILES.exec(words)?.index ?? Number.POSITIVE_INFINITY;
  if (kwargs.query === undefined && !SEARCH.test(words) && folder === null) return { kind: 'unclear' };
  if (folder !== null || files < web) {
    return { kind: 'files', query: kwargs.query ?? queryOf(words, FILES), folder };
  }
  return { kind: 'web', query: kwargs.query ?? queryOf(words, WEB) };
}

/**
 * What is looked for: a quoted text; else what stands behind "for" or "about" after the place, or before the place
 * ("find the default timeout in my notes"). Empty when the task names nothing.
 */
function queryOf(words: string, place: RegExp): string {
  const quoted = new RegExp(QUOTES).exec(words)?.[1];
  if (quoted !== undefined) return quoted.trim();
  const found = place.exec(words);
  const behind = found === null ? words : words.slice(found.index + found[0].length);
  if (BEFORE_QUERY.test(behind)) return trimmed(behind.replace(BEFORE_QUERY, ''));
  const say = /^\s*(?:say|says|tell|mention)\b(.*)$/i.exec(behind)?.[1];
  if (say !== undefined && trimmed(say) !== '') return trimmed(say);
  const before = found === null ? words : words.slice(0, found.index);
  const command = /^.*?\b(?:search(?: for)?|find|look(?:ing)? (?:up|for)|grep(?: for)?|google|locate)\b/i;
  const wanted = trimmed(before.replace(command, '').replace(AFTER_QUERY, ''));
  const rest = wanted === '' ? trimmed(behind) : wanted;
  return rest === '' && found !== null && /news/i.test(found[0]) ? found[0].trim() : rest;
}

function trimmed(text: string): string {
  return text.replace(/^[\s:,.-]+|[\s:,.!?]+$/g, '');
}

/** Full stops, commas and closing brackets behind an address belong to the sentence; a bracket opened in it stays. */
function withoutEnd(address: string): string {
  const sentence = address.includes('(') ? '.,;:!?\'"' : '.,;:!?\'")';
  let end = address.length;
  while (end > 0 && sentence.includes(address.charAt(end - 1))) end--;
  return address.slice(0, end);
}
