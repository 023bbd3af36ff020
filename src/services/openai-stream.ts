/** The end of a stream, as OpenAI-compatible servers say it. */
const DONE = '[DONE]';

/**
 * Reads server-sent events: the text after each `data:` until `[DONE]` or the end. Chunks may be cut anywhere, inside
 * a character too; lines may end in LF, CRLF or CR; comments and other fields are skipped. Every `data:` line is an
 * event of its own, as the servers meant here send them. A last line that was cut off is dropped.
 *
 * @param onPending - Told the length of a line that has not ended yet; may throw to stop an endless one.
 */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  onPending: (characters: number) => void = () => {},
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    const isLineDone = /[\r\n]/.test(text);
    pending += text;
    if (!isLineDone) {
      onPending(pending.length);
      continue;
    }
    const lines = pending.split(/\r\n|\n|\r/);
    pending = lines.pop() ?? '';
    for (const line of lines) {
      const event = readLine(line);
      if (event === DONE) return;
      if (event !== undefined) yield event;
    }
  }
  const last = readLine(pending + decoder.decode());
  if (last !== undefined && last !== DONE && isJson(last)) yield last;
}

function readLine(line: string): string | undefined {
  return line.startsWith('data:') ? line.slice('data:'.length).trim() || undefined : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Cut off on the way.
    return false;
  }
}
