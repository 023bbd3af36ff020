/** Speaks as much of the OpenAI protocol as a chat needs: streams a short text about the last message. */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

const PORT = Number(process.env.PORT ?? 4117);

const server = createServer(async (request, response) => {
  if (request.url === '/v1/models') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ object: 'list', data: [{ id: 'example-writer', object: 'model' }] }));
    return;
  }
  const { messages } = /** @type {{ messages: { content: string }[] }} */ (await json(request));
  const task = messages.at(-1)?.content ?? '';
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const word of ['Here', ' it', ' is: ', task.toUpperCase()]) {
    response.write(event({ choices: [{ index: 0, delta: { content: word }, finish_reason: null }] }));
  }
  response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
  response.write(event({ choices: [], usage: { prompt_tokens: task.length, completion_tokens: 4 } }));
  response.end('data: [DONE]\n\n');
});

server.listen(PORT, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`the model server listens on 127.0.0.1:${port}`);
});

/** @param {object} fields */
function event(fields) {
  return `data: ${JSON.stringify({ object: 'chat.completion.chunk', model: 'example-writer', ...fields })}\n\n`;
}
