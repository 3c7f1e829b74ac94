import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { healthHandler, KeepAlive, StorageRegistry } from 'zeo-keepalive';
import { ScriptedTarget } from './scripted-target.js';

/** Serves with this listener; returns how to ask it for a path. */
async function serve(t: TestContext, listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return `${response.status} ${await response.text()}`;
  };
}

function startAgent(t: TestContext, databases: StorageRegistry, period: number): KeepAlive {
  const agent = new KeepAlive({ period, level: 'silent' }, databases, {});
  t.after(() => agent.stop());
  agent.start();
  return agent;
}

describe('healthHandler', { timeout: 60_000 }, () => {
  it('is ready while every target is connected, and names those that are not', async (t) => {
    const databases = new StorageRegistry();
    const storage = databases.open('zeo://joe:s3cret@db', new ScriptedTarget());
    databases.open('other', new ScriptedTarget());
    const get = await serve(t, healthHandler(startAgent(t, databases, 600)));
    assert.equal(await get('/readyz?verbose=1'), '200 ok\n');
    storage.ready = false;
    assert.equal(await get('/readyz'), '503 zeo://***@db: not connected\n');
    assert.equal(await get('/healthz'), '200 ok\n');
    await databases.close('zeo://joe:s3cret@db');
    assert.equal(await get('/readyz'), '200 ok\n');
  });

  it('is not ready after a failed ping until the next one is answered', async (t) => {
    const databases = new StorageRegistry();
    let fails = true;
    databases.open('main', new ScriptedTarget(() => (fails ? Promise.reject(new Error('lost')) : 'well')));
    const agent = startAgent(t, databases, 0.1);
    const get = await serve(t, healthHandler(agent));
    await once(agent, 'pingFailed');
    assert.equal(await get('/readyz'), '503 main: its last ping failed\n');
    fails = false;
    await once(agent, 'pingSucceeded');
    assert.equal(await get('/readyz'), '200 ok\n');
  });

  it('spares the cost of round trips, which it does not show', async (t) => {
    const agent = startAgent(t, new StorageRegistry(), 600);
    const asked: unknown[] = [];
    const status: KeepAlive['status'] = (options) => {
      asked.push(options);
      return agent.status(options);
    };
    const get = await serve(t, healthHandler({ status }));
    assert.equal(await get('/readyz'), '200 ok\n');
    assert.deepEqual(asked, [{ roundTrips: false }]);
  });

  it('leaves the response to an application that has begun it already', async (t) => {
    const health = healthHandler(undefined);
    const get = await serve(t, (request, response) => {
      health(request, response);
      response.end('the application');
    });
    assert.equal(await get('/healthz'), '200 the application');
    const second = await serve(t, (request, response) => {
      response.end('the application');
      health(request, response);
    });
    assert.equal(await second('/elsewhere'), '200 the application');
    assert.equal(await second('/healthz', 'POST'), '200 the application');
  });

  it('ends the connection if it cannot respond', async (t) => {
    const health = healthHandler(undefined);
    const get = await serve(t, (request, response) => {
      response.writeHead = () => assert.fail('a patched writeHead');
      health(request, response);
    });
    await assert.rejects(get('/healthz'), TypeError);
  });

  it('leaves other paths to the application, or responds with 404', async (t) => {
    const health = healthHandler(undefined);
    const alone = await serve(t, health);
    assert.equal(await alone('/'), '404 Not found; try /healthz, /readyz\n');
    assert.equal(await alone('/readyz', 'POST'), '405 GET or HEAD only\n');
    assert.equal(await alone('/readyz', 'HEAD'), '200 ');
    const within = await serve(t, (request, response) =>
      health(request, response, () => response.end('the application')),
    );
    assert.equal(await within('/', 'POST'), '200 the application');
    assert.equal(await within('/healthz'), '200 ok\n');
  });
});
