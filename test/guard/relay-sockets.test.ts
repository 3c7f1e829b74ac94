import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { passOn } from '#src/guard/relay-sockets.js';

describe('passOn', () => {
  it('drops what comes for a side that is being ended', async (t) => {
    const received: string[] = [];
    const server = createServer();
    const ended = new Promise<void>((resolve) => {
      server.on('connection', (socket) =>
        socket.on('data', (data) => received.push(String(data))).on('end', resolve),
      );
    });
    t.after(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const side = connect((server.address() as AddressInfo).port);
    const errors: Error[] = [];
    side.on('error', (error) => errors.push(error));
    await once(side, 'connect');
    passOn(Buffer.from('in time'), side);
    side.destroySoon();
    passOn(Buffer.from('too late'), side);
    await ended;
    assert.deepEqual([errors, received], [[], ['in time']]);
  });
});
