import ipaddr from 'ipaddr.js';
import { misuse } from '../../core/errors.js';

/** Where a server would listen, and who could reach it there. */
export interface Exposure {
  readonly host: string;
  /** Anything but `'none'` asks for a token. */
  readonly auth: unknown;
  readonly allowedHosts?: readonly string[];
  readonly publicUrl?: string;
}

/** Refuses an address that other machines reach without a token, or by any name. @throws TypeError that says what to do. */
export function refuseExposure({ host, auth, allowedHosts = [], publicUrl }: Exposure): void {
  if (isLoopback(host)) return;
  if (auth === 'none') {
    throw misuse(
      `Whoever reaches ${host} could run tasks here: serve it with a token or an OAuth issuer, or listen on 127.0.0.1.`,
    );
  }
  if (allowedHosts.length === 0 && publicUrl === undefined) {
    throw misuse(
      `Other machines reach ${host}: name the hosts under which they may call, by allowedHosts (--allowed-host) or publicUrl (--public-url).`,
    );
  }
}

/** Whether only programs of this machine reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || (ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback');
}
