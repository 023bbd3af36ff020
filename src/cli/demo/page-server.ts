import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A page on the loopback address. */
export interface PageServer {
  /** Host and port, as `--allow-host` takes it. */
  readonly host: string;
  readonly url: string;
  close(): void;
}

/** Serves one page of HTML on a free port of 127.0.0.1. */
export async function servePage(html: string): Promise<PageServer> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}/page.html`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
