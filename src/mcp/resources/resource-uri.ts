/** What an address of a resource points at. */
export type ResourceTarget =
  | { readonly kind: 'services' }
  | { readonly kind: 'stats' }
  | { readonly kind: 'service'; readonly name: string }
  | { readonly kind: 'machine'; readonly name: string; readonly form: 'all' | 'mermaid' }
  | { readonly kind: 'run'; readonly id: string };

/** Longest address that is looked at, in characters. */
export const MAX_URI_CHARS = 2048;

/** Media types of what is read. */
export const JSON_TYPE = 'application/json';
export const MERMAID_TYPE = 'text/vnd.mermaid';

export const SERVICES_URI = 'gaffr://services';
export const STATS_URI = 'gaffr://stats';

/** Address of one service. */
export function serviceUri(name: string): string {
  return `gaffr://services/${encodeName(name)}`;
}

/** Address of one machine, as configuration and diagram or as the diagram alone. */
export function machineUri(name: string, form: 'all' | 'mermaid' = 'all'): string {
  return `gaffr://machines/${encodeName(name)}${form === 'mermaid' ? '/mermaid' : ''}`;
}

/** Address of one run. */
export function runUri(id: string): string {
  return `gaffr://runs/${encodeName(id)}`;
}

const SHAPE = /^gaffr:\/\/(services|stats|machines|runs)(?:\/([^/?#]+)(\/mermaid)?)?$/;

/** What an address points at, or undefined when it is none of ours. Whether the thing is there is another question. */
export function parseResourceUri(uri: string): ResourceTarget | undefined {
  const [, place, encoded, tail] = (uri.length <= MAX_URI_CHARS && SHAPE.exec(uri)) || [];
  if (place === undefined || (tail !== undefined && place !== 'machines')) return undefined;
  if (encoded === undefined) {
    return place === 'services' || place === 'stats' ? { kind: place } : undefined;
  }
  const name = decodeName(encoded);
  if (name === undefined) return undefined;
  switch (place) {
    case 'services':
      return { kind: 'service', name };
    case 'machines':
      return { kind: 'machine', name, form: tail === undefined ? 'all' : 'mermaid' };
    case 'runs':
      return { kind: 'run', id: name };
    default:
      return undefined;
  }
}

/** Half a character, which any JavaScript text may hold, has no place in an address. */
function encodeName(name: string): string {
  return encodeURIComponent(name.replace(/\p{Surrogate}/gu, '\uFFFD'));
}

function decodeName(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    // A percent sign that begins no character.
    return undefined;
  }
}
