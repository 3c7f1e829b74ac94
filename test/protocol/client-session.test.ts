import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeepAliveError, ServerError } from '../../src/errors.js';
import { codecs } from '../../src/zeo/protocol/codec.js';
import { type ClientEvent, ClientSession } from '../../src/zeo/protocol/session.js';
import type { Value } from '../../src/zeo/protocol/values.js';
import { bytes, frame, u32le } from './byte-builder.js';
import { expectFault } from './expect-fault.js';
import { eventsOf } from './session-events.js';

function connected(encoding: 'Z' | 'M' = 'Z', options: { maxFrameBytes?: number } = {}): ClientSession {
  const session = new ClientSession(options);
  eventsOf(session, frame(`${encoding}5`));
  return session;
}

function message(value: Value, encoding: 'Z' | 'M' = 'Z'): Uint8Array {
  return codecs[encoding].encodeFrame(value, 1_000_000);
}

describe('ClientSession', () => {
  for (const encoding of ['Z', 'M'] as const) {
    describe(`in encoding ${encoding}`, () => {
      it('gives replies, errors and one-way calls in order', () => {
        const stream = Buffer.concat([
          message([1, 0, '.reply', null], encoding),
          message([0, true, 'info', [{ size: 1 }]], encoding),
          message([300, 2, '.reply', ['builtins.ValueError', ['no']]], encoding),
          message([[bytes('oid'), bytes('tid')], false, '.reply', 'late'], encoding),
        ]);
        assert.deepEqual(eventsOf(connected(encoding), stream), [
          { type: 'reply', id: 1, value: null },
          { type: 'call', method: 'info', args: [Object.assign(Object.create(null), { size: 1 })] },
          { type: 'error', id: 300, className: 'builtins.ValueError', args: ['no'] },
          { type: 'reply', id: [bytes('oid'), bytes('tid')], value: 'late' },
        ]);
      });

      it('matches replies to ids of every width', () => {
        for (const id of [-5, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 40]) {
          const session = connected(encoding);
          for (const value of [null, [], {}, bytes('ab'), 'text', 7] as Value[]) {
            const [event] = eventsOf(session, message([id, 0, '.reply', value], encoding)) as {
              id: number;
            }[];
            assert.equal(event?.id, id);
          }
        }
      });

      it('decodes the value of a reply when it is looked at, and not twice', () => {
        const [event] = connected(encoding).receive(message([5, 0, '.reply', { a: [1] }], encoding));
        assert.ok(event?.type === 'reply');
        assert.equal((event.value as { a: Value }).a, (event.value as { a: Value }).a);
        assert.deepEqual((event.value as { a: Value }).a, [1]);
      });

      it('is broken by a reply whose value turns out to be malformed', () => {
        const session = connected(encoding);
        const stream = message([5, 0, '.reply', { deep: '~' }], encoding);
        // No byte of UTF-8.
        stream[stream.lastIndexOf('~'.charCodeAt(0))] = 0xff;
        const [event] = [...session.receive(stream)];
        const error = expectFault(() => (event as { value: Value }).value, 'ERR_ZEO_PROTOCOL', /UTF-8/);
        expectFault(() => (event as { value: Value }).value, 'ERR_ZEO_PROTOCOL', /UTF-8/);
        assert.throws(() => session.receive(message([6, 0, '.reply', null], encoding)), error);
      });

      const wrong: [string, Value, RegExp][] = [
        ['no tuple', 'hello', /not a tuple of four/],
        ['a tuple of three', [1, 0, '.reply'], /not a tuple of four/],
        ['an id that is text', ['1', 0, '.reply', 1], /id that is neither/],
        ['an id that is a fraction', [1.5, 0, '.reply', 1], /id that is neither/],
        ['flags that are text', [1, 'x', '.reply', 1], /flags that are no number/],
        ['a method that is bytes', [0, true, bytes('info'), []], /method that is no text/],
        ['unknown flags', [1, 3, '.reply', 1], /unknown flags 3/],
        ['a call that wants a reply', [1, false, 'info', []], /wants a reply/],
        ['a one-way call without a tuple', [0, true, 'info', null], /Call of "info" without a tuple/],
        ['an error without a class name', [1, 2, '.reply', [1, []]], /without a class name/],
        ['an error that is no pair', [1, 2, '.reply', null], /without a class name/],
      ];
      for (const [name, value, reason] of wrong) {
        it(`refuses ${name}`, () => {
          expectFault(
            () => eventsOf(connected(encoding), message(value, encoding)),
            'ERR_ZEO_PROTOCOL',
            reason,
          );
        });
      }
    });
  }

  it('gives an exception in the form of ZEO 4 as an error', () => {
    const pickle = bytes(
      ...[
        0x80,
        3,
        '(K',
        1,
        'K',
        0,
        'X',
        u32le(6),
        '.replycm\nAError\nq',
        0,
        'h',
        0,
        'X',
        u32le(2),
        'no',
        0x85,
        'R',
        0x86,
        't.',
      ],
    );
    assert.deepEqual(eventsOf(connected(), frame(pickle)), [
      { type: 'error', id: 1, className: 'm.AError', args: ['no'] },
    ]);
  });

  it('makes a ServerError of an error reply', () => {
    const stream = message([1, 2, '.reply', ['ZODB.POSException.ReadOnlyError', []]]);
    const [event] = connected().receive(stream) as ClientEvent[];
    assert.ok(event?.type === 'error' && event.error instanceof ServerError);
    assert.equal(event.error.code, 'ERR_ZEO_READ_ONLY');
  });

  it('does not take a crafted pickle for the reply that it begins as', () => {
    const session = connected();
    const pickle = bytes(0x80, 3, '(K', 1, 'K', 0, 'X', u32le(6), '.replyNNt.');
    const [event] = [...session.receive(frame(pickle))];
    expectFault(() => (event as { value: Value }).value, 'ERR_ZEO_PROTOCOL', /tuple of four/);
    expectFault(() => session.receive(bytes()), 'ERR_ZEO_PROTOCOL', /tuple of four/);
  });

  it('gives the events before a fault, then the fault, then the same fault for ever', () => {
    const session = connected();
    const good = message([1, 0, '.reply', null]);
    const events = session.receive(Buffer.concat([good, frame(bytes(0xff)), good]))[Symbol.iterator]();
    assert.equal(events.next().value?.type, 'reply');
    const error = expectFault(() => events.next(), 'ERR_ZEO_PROTOCOL', /opcode 0xff/);
    assert.equal(
      expectFault(() => session.receive(good), 'ERR_ZEO_PROTOCOL'),
      error,
    );
  });

  it('refuses a frame over its limit before the bytes are there', () => {
    const session = connected('Z', { maxFrameBytes: 1000 });
    expectFault(() => session.receive(bytes(0, 0, 3, 0xe9)), 'ERR_ZEO_FRAME_TOO_LARGE', /1001 .* 1000/);
    expectFault(
      () => connected().receive(bytes(0x08, 0, 0, 1)),
      'ERR_ZEO_FRAME_TOO_LARGE',
      /limit is 134217728/,
    );
  });

  it('refuses to encode a message over its limit, and stays usable', () => {
    const session = connected('Z', { maxFrameBytes: 1000 });
    assert.throws(() => session.encodeCall(1, 'x', ['y'.repeat(2000)]), { code: 'ERR_ZEO_FRAME_TOO_LARGE' });
    assert.ok(session.encodeCall(2, 'ping', []));
  });

  it('encodes nothing before the greeting', () => {
    const session = new ClientSession();
    for (const encode of [
      () => session.handshakeReply(),
      () => session.encodeCall(1, 'ping', []),
      () => session.encodeOneWay('tpc_abort', []),
    ]) {
      assert.throws(
        encode,
        (error) => error instanceof KeepAliveError && error.code === 'ERR_ZEO_DISCONNECTED',
      );
    }
  });
});
