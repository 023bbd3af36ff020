/** From words to steps in a page, by a strict grammar: a part that is not understood is told, never left out. Pure. */

import type { BrowserStep } from './responses-browser-options.js';

const MOST_CHARACTERS = 8_192;
const QUOTED = /"([^"]{0,2000})"|'([^']{0,2000})'|“([^”]{0,2000})”|`([^`]{0,2000})`/g;
const ADDRESS = /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s<>"'`]+/gi;
const BARE_ADDRESS = /\b(?:localhost|(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24})(?::\d{1,5})?(?:\/[^\s<>"'`]*)?/gi;

/** A quoted text or an address, so that its words are not read: `‹0›`. */
const MARK = '‹(\\d+)›';
const THING = `(?:${MARK}|([\\p{L}\\p{N}][\\p{L}\\p{N} _-]{0,60}?))`;
const KIND = '(?: (?:button|link|tab|menu item|checkbox|field|box|input|form|text field|search field))?';

type Found = readonly (string | undefined)[];
type Reading = (found: Found, text: (mark: string | undefined, plain?: string) => string) => BrowserStep;

const CLAUSES: readonly (readonly [RegExp, Reading])[] = [
  [
    clause(
      `(?:(?:go|navigate|browse|surf) (?:to )?|open |visit |load )(?:the )?(?:(?:web)?(?:page|site) )?(?:at |of )?${MARK}`,
    ),
    ([, mark], text) => ({ navigate: withScheme(text(mark)) }),
  ],
  [
    clause(`press (?:the )?(enter|return|escape|esc|tab|space|backspace|page ?down|page ?up)(?: key)?`),
    ([, key = '']) => ({ press: keyOf(key) }),
  ],
  [clause(`(?:hit|press) submit`), () => ({ press: 'Enter' })],
  [
    clause(`(?:click|press|tap|push|choose)(?: on)? (?:the )?${THING}${KIND}`),
    ([, mark, plain], text) => ({ click: text(mark, plain) }),
  ],
  [
    clause(
      `(?:type|enter|write|put|input) (?:in )?${MARK}(?: (?:in|into|in to) (?:the )?${THING}${KIND})?( and (?:submit|press enter))?`,
    ),
    ([, mark, into, plain, submit], text) => ({
      type: text(mark),
      ...((into ?? plain) !== undefined && { into: text(into, plain) }),
      ...(submit !== undefined && { submit: true }),
    }),
  ],
  [
    clause(`fill (?:in |out )?(?:the )?${THING}${KIND} with ${MARK}`),
    ([, into, plain, mark], text) => ({ type: text(mark), into: text(into, plain) }),
  ],
  [
    clause(`wait (?:for|until) (?:the )?(?:text )?${MARK}(?: appears| is shown| is there)?`),
    ([, mark], text) => ({ waitFor: text(mark) }),
  ],
  [
    clause(
      `(?:take|make|capture|give me) (?:a |the )?(?:screenshot|picture)(?: of (?:it|the page|this page))?`,
    ),
    () => ({ screenshot: true }),
  ],
];

/** What was read: the steps, or the part that is not understood. */
export type StepsRead = { readonly steps: readonly BrowserStep[] } | { readonly unclear: string };

/** Reads the steps that a task names, in their order. */
export function readSteps(task: string): StepsRead {
  const texts: string[] = [];
  const marked = task
    .slice(0, MOST_CHARACTERS)
    .replaceAll(/[‹›]/g, ' ')
    .replace(QUOTED, (_all, ...found: unknown[]) =>
      markOf(
        texts,
        found.slice(0, 4).find((each) => each !== undefined),
      ),
    )
    .replace(ADDRESS, (address) => withMark(texts, address))
    .replace(BARE_ADDRESS, (address) => withMark(texts, address));
  const text = (mark: string | undefined, plain?: string): string =>
    mark === undefined ? (plain ?? '').trim() : (texts[Number(mark)] ?? '');
  const steps: BrowserStep[] = [];
  for (const part of clausesOf(marked)) {
    const step = CLAUSES.map(([pattern, read]) => {
      const found = pattern.exec(part);
      return found === null ? null : read([...found], text);
    }).find((each) => each !== null);
    if (step === undefined || step === null) {
      return { unclear: part.replace(new RegExp(MARK, 'g'), (_all, mark: string) => `"${text(mark)}"`) };
    }
    steps.push(step);
  }
  return steps.length === 0 ? { unclear: task.slice(0, 200) } : { steps };
}

/** "and" joins clauses where a verb follows it; elsewhere it may be part of one. */
function clausesOf(text: string): string[] {
  const verb =
    '(?=(?:then |finally )?(?:go|navigate|browse|open|visit|load|press|hit|click|tap|push|choose|type|enter|write|put|input|fill|wait|take|make|capture|give me)\\b)';
  const joint = new RegExp(
    `\\s*(?:[.;\\n]+|,)\\s*(?:and )?(?:then )?|\\s+and (?:then )?${verb}|\\s+then ${verb}`,
    'i',
  );
  return text
    .split(joint)
    .map((part) => part.trim().replace(/^(?:and |then |finally |please |now |can you |could you )+/i, ''))
    .filter((part) => part !== '');
}

function clause(source: string): RegExp {
  return new RegExp(`^(?:${source})$`, 'iu');
}

function markOf(texts: string[], text: unknown): string {
  texts.push(String(text));
  return `‹${texts.length - 1}›`;
}

/** Full stops and commas behind an address belong to the sentence. */
function withMark(texts: string[], address: string): string {
  const end = /[.,;:!?)]+$/.exec(address)?.[0] ?? '';
  return `${markOf(texts, address.slice(0, address.length - end.length))}${end}`;
}

function withScheme(address: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(address) && !/^localhost:\d/i.test(address)) return address;
  return `${address.startsWith('localhost') ? 'http' : 'https'}://${address}`;
}

const KEYS: Readonly<Record<string, string>> = {
  enter: 'Enter',
  return: 'Enter',
  escape: 'Escape',
  esc: 'Escape',
  tab: 'Tab',
  space: 'Space',
  backspace: 'Backspace',
  pagedown: 'PageDown',
  pageup: 'PageUp',
};

function keyOf(name: string): string {
  return KEYS[name.toLowerCase().replace(' ', '')] ?? 'Enter';
}
