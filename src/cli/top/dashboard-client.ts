import { messageOf } from '../../core/errors.js';
import type { Frame, Hello } from '../../inspect/dashboard/overview.js';
import type { RecordingHello } from '../../inspect/replay/replay.js';
import { ConfigurationError } from '../exit-code.js';

/**
 * Asks a dashboard for everything that it shows.
 *
 * @throws ConfigurationError when nobody is there, the token is not its, or it shows a recorded history.
 */
export async function readDashboard(url: string, token: string): Promise<Hello> {
  const response = await ask(`${url}/api/now`, { token, type: 'application/json' });
  const message = (await response.json().catch(() => null)) as Message | null;
  if (message?.type === 'recording') throw isRecording(url);
  if (message?.type !== 'hello') throw noDashboard(url, 'another program does');
  return message;
}

type Message = Hello | Frame | Pick<RecordingHello, 'type'>;

/**
 * Follows a dashboard until it ends or the signal fires.
 *
 * @throws ConfigurationError when nobody is there, the token is not its, or it shows a recorded history.
 */
export async function followDashboard(
  url: string,
  options: {
    readonly token: string;
    readonly signal: AbortSignal;
    readonly onMessage: (message: Hello | Frame) => void;
  },
): Promise<void> {
  const { token, signal, onMessage } = options;
  const { body } = await ask(`${url}/api/feed`, { token, type: 'text/event-stream', signal });
  if (body === null) return;
  let rest = '';
  const take = (message: Message): void => {
    if (message.type === 'recording') throw isRecording(url);
    onMessage(message);
  };
  try {
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) if (part.startsWith('data: ')) take(JSON.parse(part.slice(6)));
    }
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw cause;
    // The signal fired, or the dashboard went away: the caller looks at the signal.
  }
}

function isRecording(url: string): ConfigurationError {
  return new ConfigurationError(
    `${url} shows a recorded history; gaffr top needs a server that runs: start one with gaffr serve --dashboard or gaffr dashboard.`,
  );
}

interface Question {
  readonly token: string;
  /** Kind of the answer of a dashboard; other programs answer pages. */
  readonly type: string;
  readonly signal?: AbortSignal;
}

async function ask(url: string, { token, type, signal }: Question): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(url, {
    headers,
    redirect: 'error',
    ...(signal !== undefined && { signal }),
  }).catch((cause) => {
    throw noDashboard(url, messageOf((cause as Error).cause ?? cause), cause);
  });
  if (response.ok && response.headers.get('content-type')?.startsWith(type)) return response;
  if (response.status === 401) {
    throw new ConfigurationError(
      `The dashboard at ${new URL(url).origin} has another token; name its file with --token-file.`,
    );
  }
  const answer = (await response.json().catch(() => null)) as { readonly error?: unknown } | null;
  if (response.ok || typeof answer?.error !== 'string') throw noDashboard(url, 'another program does');
  throw new ConfigurationError(`The dashboard refuses (${response.status}): ${answer.error}`);
}

function noDashboard(url: string, why: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(
    `No dashboard answers at ${new URL(url).origin} (${why}); start one with gaffr serve --dashboard or gaffr dashboard.`,
    { cause },
  );
}
