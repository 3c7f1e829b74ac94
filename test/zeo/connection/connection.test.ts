import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { Connection } from '#src/zeo/connection/connection.js';

describe('Connection', () => {
  it('is released when its socket has closed, and not before', async () => {
    await using server = await ZeoServer.listen();
    const [host = '', port] = server.address.split(':');
    let socket: Socket | undefined;
    const note = (message: unknown) => {
      ({ socket } = message as { socket: Socket });
    };
    subscribe('net.client.socket', note);
    const connection = await Connection.open({ host, port: Number(port) }, {}, new AbortController().signal);
    unsubscribe('net.client.socket', note);
    let isClosed = false;
    socket?.once('close', () => {
      isClosed = true;
    });
    connection.destroy(new Error('enough'));
    await connection.released;
    assert.ok(isClosed);
    await connection.released;
  });
});
