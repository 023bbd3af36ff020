import { toJsonText } from './json-output.js';

/**
 * What a service returned, for people: a text as it is, an object with a `text` by that text (or its `description` of a picture), passages by file, an
 * answer of `reasoning` with the answer first, anything else as JSON.
 */
export function resultText(result: unknown): string {
  if (typeof result === 'string') return result;
  if (!isRecord(result)) return toJsonText(result);
  const { text, description, passages, formal, status } = result;
  if (typeof text === 'string') return text === '' && typeof description === 'string' ? description : text;
  if (Array.isArray(passages)) return passagesText(passages);
  if (typeof formal === 'string' && typeof status === 'string') {
    return [answerText(result.result), `(${status})`, formal].filter((part) => part !== '').join(' ');
  }
  return toJsonText(result);
}

function passagesText(passages: readonly unknown[]): string {
  if (passages.length === 0) return 'Nothing found.';
  return passages
    .filter(isRecord)
    .map(({ file, text }) => `${file}: ${text}`)
    .join('\n\n');
}

/** Numbers, values of unknowns (`x = 23, y = 12`), amounts with a unit; an argument has its answer in the status. */
function answerText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(answerText).join(' or ');
  if (!isRecord(value)) return String(value);
  if ('follows' in value) return '';
  if ('unit' in value) return `${value.value} ${value.unit}`;
  return Object.entries(value)
    .map(([name, each]) => `${name} = ${each}`)
    .join(', ');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
