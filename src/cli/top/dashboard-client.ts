import { messageOf } from '../../core/errors.js';
import type { Frame, Hello } from '../../inspect/dashboard/overview.js';
import { ConfigurationError } from '../exit-code.js';

/**
 * Asks a dashboard for everything that it shows.
 *
 * @throws ConfigurationError when nobody is there or the token is not its.
 */
export async function readDashboard(url: string, token: string): Promise<Hello> {
  return (await ask(`${url}/api/now`, token)).json() as Promise<Hello>;
}

/**
 * Follows a dashboard until it ends or the signal fires.
 *
 * @throws ConfigurationError when nobody is there or the token is not its.
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
  const { body } = await ask(`${url}/api/feed`, token, signal);
  if (body === null) return;
  let rest = '';
  try {
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) if (part.startsWith('data: ')) onMessage(JSON.parse(part.slice(6)));
    }
  } catch {
    // The signal fired, or the dashboard went away: the caller looks at the signal.
  }
}

async function ask(url: string, token: string, signal?: AbortSignal): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(url, {
    headers,
    redirect: 'error',
    ...(signal !== undefined && { signal }),
  }).catch((cause) => {
    const why = messageOf((cause as Error).cause ?? cause);
    throw new ConfigurationError(
      `No dashboard answers at ${new URL(url).origin} (${why}); start one with gaffr serve --dashboard or gaffr dashboard.`,
      { cause },
    );
  });
  if (response.ok) return response;
  const { error } = (await response.json().catch(() => ({ error: response.statusText }))) as {
    error: string;
  };
  throw new ConfigurationError(
    response.status === 401
      ? `The dashboard at ${new URL(url).origin} has another token; name its file with --token-file.`
      : `The dashboard refuses (${response.status}): ${error}`,
  );
}
