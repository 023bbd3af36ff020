/** Reads one invoice: a PDF in, its number, customer and total out. Runs in a thread, since reading PDFs takes the processor. */
import { readFile } from 'node:fs/promises';
import { OrchestratorError } from 'gaffr';
import { extractText } from 'unpdf';

/**
 * @param {string} _task
 * @param {{ kwargs: Readonly<Record<string, unknown>> }} context - kwargs: `path`.
 */
export default async (_task, { kwargs }) => {
  const path = String(kwargs.path);
  const text = await textOf(path);
  const found =
    /Invoice (?<number>\d{4}-\d{3}) for\s+(?<customer>.+?)\s+Total due (?<total>[\d,]+\.\d{2}) EUR/s.exec(
      text,
    );
  if (found?.groups === undefined) throw notAnInvoice(path, 'number, customer or total is not in its text');
  const { number, customer, total = '' } = found.groups;
  return { number, customer, total: Number(total.replaceAll(',', '')) };
};

/** @param {string} path */
async function textOf(path) {
  const bytes = new Uint8Array(await readFile(path));
  try {
    return (await extractText(bytes, { mergePages: true })).text;
  } catch (cause) {
    throw notAnInvoice(path, cause instanceof Error ? cause.message : String(cause));
  }
}

/**
 * A bad file is the caller's, not the service's: it is not tried again, and the circuit stays closed.
 *
 * @param {string} path
 * @param {string} reason
 */
function notAnInvoice(path, reason) {
  return new OrchestratorError('INVALID_INPUT', `${path} is no invoice: ${reason}`);
}
