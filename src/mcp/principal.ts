import type { ServerContext } from '@modelcontextprotocol/server';

/** The one caller of a connection that has no authentication: whoever started the process. */
export const LOCAL_PRINCIPAL = 'local';

/** Who sent a request. */
export function principalOf({ http }: ServerContext): string {
  return http?.authInfo?.clientId ?? LOCAL_PRINCIPAL;
}
