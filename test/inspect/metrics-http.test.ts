import { afterEach, expect, it } from 'vitest';
import type { MetricsSource } from '../../src/mcp/http/metrics-page.js';
import { GOOD_HEADERS, startServer, type TestServer, TOKEN } from '../support/http-server.js';

const metrics: MetricsSource = {
  text: () => 'gaffr_running 1\n',
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
};
const bearer = { authorization: `Bearer ${TOKEN}` };

let server: TestServer;
afterEach(() => server.close());

it('shows the figures to whoever has the token, and to nobody else', async () => {
  server = await startServer({ metrics });
  const good = await server.send({ path: '/metrics', headers: bearer });
  expect(good).toMatchObject({ status: 200, text: 'gaffr_running 1\n' });
  expect(good.headers).toMatchObject({ 'content-type': metrics.contentType, 'cache-control': 'no-store' });
  expect(await server.send({ path: '/metrics?x=1', headers: bearer })).toMatchObject({ status: 200 });
  expect(await server.send({ path: '/metrics', method: 'HEAD', headers: bearer })).toMatchObject({
    status: 200,
    text: '',
  });
  expect(await server.send({ path: '/metrics' })).toMatchObject({ status: 401 });
  expect(await server.send({ path: '/metrics', headers: { authorization: 'Bearer wrong' } })).toMatchObject({
    status: 401,
  });
  expect(
    await server.send({ path: '/metrics', method: 'POST', headers: GOOD_HEADERS, body: '{}' }),
  ).toMatchObject({ status: 405 });
  expect(await server.send({ path: '/metrics', headers: { ...bearer, host: 'evil.example' } })).toMatchObject(
    { status: 403 },
  );
  expect(
    await server.send({ path: '/metrics', headers: { ...bearer, origin: 'https://evil.example' } }),
  ).toMatchObject({ status: 403 });
});

it('asks for the scope read', async () => {
  const verify = async (token: string) => ({
    principal: token,
    scopes: token === 'reader' ? (['read'] as const) : (['execute', 'cancel'] as const),
  });
  server = await startServer({ metrics, auth: { verify } });
  expect(await server.send({ path: '/metrics', headers: { authorization: 'Bearer reader' } })).toMatchObject({
    status: 200,
  });
  const refused = await server.send({ path: '/metrics', headers: { authorization: 'Bearer runner' } });
  expect(refused.status).toBe(403);
  expect(refused.headers['www-authenticate']).toContain('gaffr:read');
});

it('is not there unless asked for, and a source that throws ends in an answer', async () => {
  server = await startServer();
  expect(await server.send({ path: '/metrics', headers: bearer })).toMatchObject({ status: 404 });
  await server.close();
  const text = () => {
    throw new Error('SECRET');
  };
  server = await startServer({ metrics: { ...metrics, text } });
  const broken = await server.send({ path: '/metrics', headers: bearer });
  expect(broken.status).toBe(500);
  expect(broken.text).not.toContain('SECRET');
});
