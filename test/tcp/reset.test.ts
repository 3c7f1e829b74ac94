import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { reset } from '#src/tcp/reset.js';

describe('Resetting a connection', { timeout: 10_000 }, () => {
  async function connected() {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
    server.close();
    return { client, accepted: accepted as Socket };
  }

  it('shows its peer a reset', async () => {
    const { client, accepted } = await connected();
    reset(client);
    const [error] = await once(accepted.resume(), 'error');
    assert.equal(error.code, 'ECONNRESET');
  });

  it('closes it without an error while its end is being sent', async () => {
    const { client, accepted } = await connected();
    const errors: Error[] = [];
    client.on('error', (error) => errors.push(error));
    client.end();
    reset(client);
    await Promise.all([once(client, 'close'), once(accepted.resume(), 'close')]);
    assert.deepEqual(errors, []);
  });
});
