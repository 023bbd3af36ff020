/**
 * A worker for the engine `restate` over one service that does nothing:
 * `node restate-worker.js <ingress> <admin> <maxParallel>`. Prints where the server reaches it.
 */
import { ExecutionConfig } from 'gaffr';
import { startWorker } from 'gaffr/worker';

const [ingressUrl = '', adminUrl = '', maxParallel] = process.argv.slice(2);
const { url } = await startWorker({
  services: { echo: { service: (task: string) => task, idempotent: true } },
  engine: { kind: 'restate', ingressUrl, adminUrl },
  config: ExecutionConfig.create({ maxParallel: Number(maxParallel), fallbackService: null }),
  port: 0,
});
process.stdout.write(`${url}\n`);
process.once('SIGTERM', () => process.exit(0));
