/** An application that has an orchestrator already, its services, and an HTTP framework and a transport to hang things on. */
import { InMemoryTransport } from '@modelcontextprotocol/client';
import { createOrchestrator } from 'gaffr';

export const services = { chat: (task: string) => `You said: ${task}` };
export const orchestrator = createOrchestrator({ services });

interface Reply {
  type(contentType: string): Reply;
  send(text: string): void;
}

/** As much of an Express application as the pages use. */
export const app = {
  get(_path: string, handler: (request: unknown, response: Reply) => void): void {
    const response: Reply = { type: () => response, send: () => {} };
    handler({}, response);
  },
};

export const [transport] = InMemoryTransport.createLinkedPair();

export async function end(): Promise<void> {
  await orchestrator.close();
  process.exit();
}
