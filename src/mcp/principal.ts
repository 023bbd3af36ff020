import type { ServerContext } from '@modelcontextprotocol/server';

/** Who sent a request; null on a connection that asks nobody who he is, which has one caller. */
export function principalOf({ http }: ServerContext): string | null {
  return http?.authInfo?.clientId ?? null;
}
