import { afterAll, beforeAll } from 'vitest';
import { engineContract } from '../engines/contract/contract.js';
import { startServer, type TestServer } from './server.js';
import { engineOn, openWithout, openWorld } from './world.js';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
}, 60_000);

afterAll(async () => {
  await server.stop();
});

engineContract({
  name: 'restate',
  capabilities: {
    durable: true,
    distributed: true,
    delivery: 'at-least-once',
    keepsTasks: false,
    priorities: false,
    pausing: false,
    progress: false,
  },
  fresh: () => engineOn(server),
  open: openWorld,
  openAnother: async (engine, options) => openWithout(engine, options),
});
