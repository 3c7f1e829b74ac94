import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codecs } from '#src/zeo/encoding/codec.js';
import type { Value } from '#src/zeo/encoding/values.js';
import { ClientSession, ServerSession } from '#src/zeo/protocol/index.js';
import { bytes, frame } from './byte-builder.js';
import { expectFault } from './expect-fault.js';
import { eventsOf } from './session-events.js';

for (const encoding of ['Z', 'M'] as const) {
  const connected = () => {
    const session = new ServerSession({ encoding });
    eventsOf(session, frame(`${encoding}5`));
    return session;
  };
  const message = (value: Value) => codecs[encoding].encodeFrame(value, 1_000_000);

  describe(`ServerSession in encoding ${encoding}`, () => {
    it('emits calls, one-way calls and heartbeats', () => {
      const id = [bytes('oid'), bytes('tid')];
      const stream = Buffer.concat([
        message([1, false, 'register', ['1', true]]),
        message([0, true, 'tpc_abort', [5]]),
        message([-1, 0, '.reply', null]),
        message([id, 0, 'loadBefore', id]),
      ]);
      assert.deepEqual(eventsOf(connected(), stream), [
        { type: 'call', id: 1, oneWay: false, method: 'register', args: ['1', true] },
        { type: 'call', id: 0, oneWay: true, method: 'tpc_abort', args: [5] },
        { type: 'heartbeat' },
        { type: 'call', id, oneWay: false, method: 'loadBefore', args: id },
      ]);
    });

    it('rejects replies, unknown flags and arguments other than a tuple', () => {
      for (const [value, reason] of [
        [[1, 0, '.reply', null], /expected a call; received a reply/],
        [[1, 2, 'ping', []], /Malformed call flags: .* received 2/],
        [[1, false, 'ping', null], /arguments of "ping": expected a tuple/],
      ] as const) {
        expectFault(() => eventsOf(connected(), message(value)), 'ERR_ZEO_PROTOCOL', reason);
      }
    });

    it('rejects messages after the health check', () => {
      const session = new ServerSession({ encoding });
      eventsOf(session, frame('ruok'));
      expectFault(() => eventsOf(session, message([1, false, 'ping', []])), 'ERR_ZEO_PROTOCOL', /after ruok/);
    });

    it('encodes only greetings and raw frames before the handshake', () => {
      const session = new ServerSession({ encoding });
      assert.throws(() => session.encodeReply(1, null), { code: 'ERR_ZEO_DISCONNECTED' });
      assert.deepEqual(bytes(session.encodeRaw(bytes('{}'))), frame('{}'));
    });

    it('exchanges messages with a client session, both ways', () => {
      const server = new ServerSession({ encoding });
      const client = new ClientSession();
      eventsOf(client, server.greeting());
      eventsOf(server, client.handshakeReply());
      const calls = Buffer.concat([
        client.encodeCall(1, 'getTid', [bytes('12345678')]),
        client.encodeOneWay('tpc_abort', [140190778547408]),
        client.encodeCall([bytes('o'), bytes('t')], 'loadBefore', [bytes('o'), bytes('t')]),
      ]);
      assert.deepEqual(eventsOf(server, calls), [
        { type: 'call', id: 1, oneWay: false, method: 'getTid', args: [bytes('12345678')] },
        { type: 'call', id: 0, oneWay: true, method: 'tpc_abort', args: [140190778547408] },
        {
          type: 'call',
          id: [bytes('o'), bytes('t')],
          oneWay: false,
          method: 'loadBefore',
          args: [bytes('o'), bytes('t')],
        },
      ]);
      const answers = Buffer.concat([
        server.encodeReply(1, bytes('87654321')),
        server.encodeOneWay('invalidateTransaction', [bytes('87654321'), [bytes('o')]]),
        server.encodeError([bytes('o'), bytes('t')], 'ZODB.POSException.POSKeyError', [bytes('o')]),
      ]);
      assert.deepEqual(eventsOf(client, answers), [
        { type: 'reply', id: 1, value: bytes('87654321') },
        { type: 'call', method: 'invalidateTransaction', args: [bytes('87654321'), [bytes('o')]] },
        {
          type: 'error',
          id: [bytes('o'), bytes('t')],
          className: 'ZODB.POSException.POSKeyError',
          args: [bytes('o')],
        },
      ]);
    });
  });
}
