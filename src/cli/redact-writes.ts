import type { Redactor } from '../core/redactor.js';

/** Takes secrets out of whatever is written to a stream, also by code of users that runs in this process. */
export function redactWrites(stream: NodeJS.WriteStream, redactor: Redactor): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  const redacted = (chunk: unknown, ...rest: unknown[]): boolean => write(clean(chunk, redactor), ...rest);
  stream.write = redacted;
}

function clean(chunk: unknown, redactor: Redactor): unknown {
  if (typeof chunk === 'string') return redactor.text(chunk);
  if (redactor.isEmpty || !(chunk instanceof Uint8Array)) return chunk;
  const text = Buffer.from(chunk).toString();
  const cleaned = redactor.text(text);
  return cleaned === text ? chunk : cleaned;
}
