/** Reads what the Playwright MCP server says of a page: its address, its title, and the elements in its snapshot. Pure. */

import { invalidInput } from '../input-errors.js';

/** A page as the server describes it. */
export interface PageState {
  readonly url: string | null;
  readonly title: string | null;
  /** The tree of what an assistive program would read, as YAML. */
  readonly snapshot: string;
}

interface PageElement {
  readonly role: string;
  readonly name: string;
  readonly ref: string;
}

const EDITABLE: ReadonlySet<string> = new Set(['textbox', 'searchbox', 'combobox', 'spinbutton']);
/** What a person would click first, when a text stands on several elements. */
const CLICKABLE: ReadonlySet<string> = new Set([
  ...['button', 'link', 'tab', 'menuitem', 'checkbox', 'radio', 'option', 'switch', 'treeitem'],
  ...EDITABLE,
]);
const SHOWN_NAMES = 20;

/** The state that the answer of a tool tells. */
export function stateOf(text: string): PageState {
  return {
    url: /^- Page URL: (.*)$/m.exec(text)?.[1] ?? null,
    title: /^- Page Title: (.*)$/m.exec(text)?.[1] ?? null,
    snapshot: /```yaml\n([\s\S]*?)\n?```/.exec(text)?.[1] ?? '',
  };
}

/**
 * The reference of the one element that the words mean.
 *
 * @param action - `type` looks among fields only; without words the page must have one field.
 * @throws OrchestratorError `INVALID_INPUT` with the names there are, when none or several fit
 */
export function targetOf(snapshot: string, action: 'click' | 'type', words: string | undefined): string {
  const roles = action === 'type' ? EDITABLE : CLICKABLE;
  const all = elementsIn(snapshot);
  const likely = all.filter(({ role }) => roles.has(role));
  const found =
    words === undefined
      ? likely
      : (fitting(likely, words) ?? (action === 'click' ? fitting(all, words) : undefined) ?? []);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only.ref;
  const what = words === undefined ? 'field' : `"${words}"`;
  const names = [...new Set(likely.map(({ name }) => name).filter((name) => name !== ''))].slice(
    0,
    SHOWN_NAMES,
  );
  const there =
    names.length === 0 ? 'it has none to name' : `it has ${names.map((name) => `"${name}"`).join(', ')}`;
  const problem =
    found.length === 0
      ? `The page has no ${what} to ${action === 'type' ? 'type into' : 'click'}`
      : `${found.length} elements of the page fit ${what}`;
  throw invalidInput('target', `${problem}; ${there}. Name one by its whole text.`, { names });
}

/** Those with exactly this name, else those whose name holds it; undefined when none does. */
function fitting(elements: readonly PageElement[], words: string): PageElement[] | undefined {
  const wanted = words.trim().toLowerCase();
  const named = (fits: (name: string) => boolean) =>
    elements.filter(({ name }) => fits(name.trim().toLowerCase()));
  return [named((name) => name === wanted), named((name) => name.includes(wanted))].find(
    ({ length }) => length > 0,
  );
}

function elementsIn(snapshot: string): PageElement[] {
  return snapshot.split('\n').flatMap((line) => {
    const [, role, quoted, ref] =
      /^\s*- '?([a-z]+)(?: "((?:[^"\\]|\\.){0,1000})")?[^"]*?\[ref=([a-z0-9]+)\]/i.exec(line) ?? [];
    if (role === undefined || ref === undefined) return [];
    return [{ role, ref, name: (quoted ?? '').replace(/\\(.)/g, '$1') }];
  });
}
