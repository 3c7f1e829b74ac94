import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { ZeoServer } from '#src/zeo/server/index.js';
import { WireClient } from './wire-client.js';

const oid = (number: number) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, number]);
const zero = new Uint8Array(8);
const data = Uint8Array.from(Buffer.from('hello'));

describe('A server with a transaction timeout', { timeout: 60_000 }, () => {
  it('drops a client that does not finish its vote, and frees the lock', async () => {
    await using server = await ZeoServer.listen({ transactionTimeout: 0.3 });
    const slow = await WireClient.register(server);
    const next = await WireClient.register(server);
    slow.store(1, { oid: oid(1), serial: zero, data });
    next.store(2, { oid: oid(2), serial: zero, data });
    assert.deepEqual(await slow.call('vote', 1), []);
    const dropped = once(server, 'disconnection');
    assert.deepEqual(await next.call('vote', 2), []);
    await slow.closed;
    const [, error] = await dropped;
    assert.match(error.message, /not finished within 0\.3 s of its vote/);
    await next.call('tpc_finish', 2);
    assert.deepEqual(
      server.storage().transactions.map(({ records }) => records.map((record) => record.oid)),
      [[oid(2)]],
    );
  });

  it('spares clients that finish, abort or have not voted', async () => {
    await using server = await ZeoServer.listen({ transactionTimeout: 0.2 });
    const client = await WireClient.register(server);
    client.store(1, { oid: oid(1), serial: zero, data });
    await client.call('vote', 1);
    await client.call('tpc_finish', 1);
    client.store(2, { oid: oid(2), serial: zero, data });
    await client.call('vote', 2);
    await client.call('tpc_abort', 2);
    client.store(3, { oid: oid(3), serial: zero, data });
    // Another client's timeout, later than this one's would be.
    const other = await WireClient.register(server);
    other.store(4, { oid: oid(4), serial: zero, data });
    await other.call('vote', 4);
    await other.closed;
    assert.equal(await client.call('ping'), null);
    await client.close();
  });

  it('is reported by ruok and server_status, and refuses invalid timeouts', async () => {
    await using server = await ZeoServer.listen({ transactionTimeout: 5 });
    const client = await WireClient.register(server);
    const status = (await client.call('server_status')) as { readonly [key: string]: unknown };
    assert.equal(status['timeout-thread-is-alive'], true);
    for (const transactionTimeout of [0, -1, Number.NaN, 1e12])
      await assert.rejects(ZeoServer.listen({ transactionTimeout }), RangeError);
  });
});
