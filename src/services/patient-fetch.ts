import type { Agent } from 'undici';

let agent: Agent | undefined;

/**
 * `fetch` without limits of time of its own: the global one gives up after five minutes without a byte, however long an
 * attempt may take. Its signal decides.
 */
export const patientFetch: typeof fetch = async (input, init) => {
  const undici = await import('undici');
  agent ??= new undici.Agent({ headersTimeout: 0, bodyTimeout: 0 });
  const options = { ...init, dispatcher: agent } as Parameters<typeof undici.fetch>[1];
  const response = await undici.fetch(input as Parameters<typeof undici.fetch>[0], options);
  return response as unknown as Response;
};
