/** Takes tasks as POST requests; the same idempotency key opens one ticket only, however often it comes. */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

const PORT = Number(process.env.PORT ?? 4118);
/** @type {Map<string, object>} */
const tickets = new Map();

const server = createServer(async (request, response) => {
  const { task } = /** @type {{ task: string }} */ (await json(request));
  const key = String(request.headers['idempotency-key']);
  const ticket = tickets.get(key) ?? { ticket: tickets.size + 1, about: task };
  tickets.set(key, ticket);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ result: ticket }));
});

server.listen(PORT, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`the ticket server listens on 127.0.0.1:${port}`);
});
