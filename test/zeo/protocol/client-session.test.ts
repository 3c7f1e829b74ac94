import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KeepAliveError, ProtocolError } from '#src/model/errors.js';
import { codecs } from '#src/zeo/encoding/codec.js';
import type { Value } from '#src/zeo/encoding/values.js';
import { type ClientEvent, ClientSession } from '#src/zeo/protocol/index.js';
import { ServerError } from '#src/zodb/pos-exception.js';
import { bytes, frame, split, u32le } from './byte-builder.js';
import { expectFault } from './expect-fault.js';
import { eventsOf, outcomeOf, plain, received } from './session-events.js';

function connected(
  encoding: 'Z' | 'M' = 'Z',
  options: ConstructorParameters<typeof ClientSession>[0] = {},
): ClientSession {
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
      it('emits replies, errors and one-way calls in order', () => {
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

      it('decodes the value of a reply on first access, and only once', () => {
        const [event] = received(connected(encoding), message([5, 0, '.reply', { a: [1] }], encoding));
        assert.ok(event?.type === 'reply');
        assert.equal((event.value as { a: Value }).a, (event.value as { a: Value }).a);
        assert.deepEqual((event.value as { a: Value }).a, [1]);
      });

      it('copies values out of memory that is reused', () => {
        const memory = new Uint8Array(1000);
        const session = connected(encoding, { reusedMemory: memory.buffer });
        const kept: unknown[] = [];
        const read = (value: Value) => {
          const stream = message(value, encoding);
          memory.set(stream);
          session.receive(memory.subarray(0, stream.length), (event) => kept.push(plain(event)));
          memory.fill(0xff);
        };
        read([5, 0, '.reply', bytes('data')]);
        read([0, true, 'invalidateTransaction', [bytes('tid'), [bytes('oid')]]]);
        read([6, 2, '.reply', ['m.AError', [bytes('oid')]]]);
        assert.deepEqual(kept, [
          { type: 'reply', id: 5, value: bytes('data') },
          { type: 'call', method: 'invalidateTransaction', args: [bytes('tid'), [bytes('oid')]] },
          { type: 'error', id: 6, className: 'm.AError', args: [bytes('oid')] },
        ]);
      });

      it('is broken by a reply whose value turns out to be malformed', () => {
        const session = connected(encoding);
        const stream = message([5, 0, '.reply', { deep: '~' }], encoding);
        // Not a byte of valid UTF-8.
        stream[stream.lastIndexOf('~'.charCodeAt(0))] = 0xff;
        const [event] = received(session, stream);
        const error = expectFault(() => (event as { value: Value }).value, 'ERR_ZEO_PROTOCOL', /UTF-8/);
        expectFault(() => (event as { value: Value }).value, 'ERR_ZEO_PROTOCOL', /UTF-8/);
        assert.throws(() => received(session, message([6, 0, '.reply', null], encoding)), error);
      });

      it('emits nothing after a reply whose value proved malformed', () => {
        const session = connected(encoding);
        const malformed = message([5, 0, '.reply', { deep: '~' }], encoding);
        malformed[malformed.lastIndexOf('~'.charCodeAt(0))] = 0xff;
        const ids: unknown[] = [];
        const stream = Buffer.concat([malformed, message([6, 0, '.reply', null], encoding)]);
        const look = (event: ClientEvent) => {
          assert.ok(event.type === 'reply');
          ids.push(event.id);
          expectFault(() => event.value, 'ERR_ZEO_PROTOCOL', /UTF-8/);
        };
        expectFault(() => session.receive(stream, look), 'ERR_ZEO_PROTOCOL', /UTF-8/);
        assert.deepEqual(ids, [5]);
      });

      it('reports a reply over its limit from its head, and skips the rest', () => {
        const session = connected(encoding, { maxFrameBytes: 1000 });
        const stream = message([300, 0, '.reply', bytes('x'.repeat(1000))], encoding);
        assert.deepEqual(eventsOf(session, stream.subarray(0, 20)), []);
        const [event, ...others] = received(session, stream.subarray(20, 100));
        assert.deepEqual(others, []);
        assert.ok(event?.type === 'oversized');
        const { id, error } = event;
        assert.equal(id, 300);
        assert.ok(!(error instanceof ProtocolError));
        assert.deepEqual([error.code, error.retryable], ['ERR_ZEO_FRAME_TOO_LARGE', false]);
        assert.match(error.message, new RegExp(`${stream.length - 4} bytes, the limit is 1000`));
        const rest = Buffer.concat([stream.subarray(100), message([7, 0, '.reply', 'next'], encoding)]);
        assert.deepEqual(eventsOf(session, rest), [{ type: 'reply', id: 7, value: 'next' }]);
      });

      it('skips a reply over its limit whatever its id and value', () => {
        const large = 'x'.repeat(1000);
        for (const id of [1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1]) {
          const session = connected(encoding, { maxFrameBytes: 1000 });
          for (const value of [
            bytes(large),
            large,
            [bytes(large), 1],
            [1, 2, 3, 4, large],
            { large },
          ] as Value[]) {
            for (const flags of [0, 2]) {
              assert.deepEqual(eventsOf(session, message([id, flags, '.reply', value], encoding)), [
                { type: 'oversized', id, code: 'ERR_ZEO_FRAME_TOO_LARGE' },
              ]);
            }
          }
        }
      });

      it('is broken by a message over its limit that is not a reply', () => {
        const large = 'x'.repeat(1000);
        const others: Value[] = [
          [0, true, 'invalidateTransaction', [bytes('tid'), [large]]],
          [0, 0, 'replay', large],
          [5, 1, '.reply', large],
          [-5, 0, '.reply', large],
          [2 ** 40, 0, '.reply', large],
          [[bytes('oid'), bytes('tid')], 0, '.reply', large],
          large,
        ];
        for (const value of others) {
          const session = connected(encoding, { maxFrameBytes: 1000 });
          const stream = message(value, encoding);
          const error = expectFault(
            () => received(session, stream),
            'ERR_ZEO_FRAME_TOO_LARGE',
            /the limit is 1000/,
          );
          assert.throws(() => received(session, message([6, 0, '.reply', null], encoding)), error);
        }
      });

      it('emits the same however replies over its limit are split', () => {
        const size = fc.oneof(fc.nat(40), fc.integer({ min: 30, max: 300 }));
        const kinds = { weight: 20, arbitrary: fc.constantFrom('value', 'exception') };
        const messages = fc.array(
          fc.tuple(
            fc.oneof(kinds, { weight: 1, arbitrary: fc.constant('call') }),
            fc.integer({ min: 1, max: 100_000 }),
            size,
          ),
          { minLength: 1, maxLength: 8 },
        );
        const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 30 });
        const newSession = () => connected(encoding, { maxFrameBytes: 100 });
        fc.assert(
          fc.property(messages, cuts, (list, sizes) => {
            const frames = list.map(([kind, id, length]) => {
              const text = 'x'.repeat(length);
              if (kind === 'value') return message([id, 0, '.reply', text], encoding);
              if (kind === 'exception') return message([id, 2, '.reply', ['m.E', [text]]], encoding);
              return message([0, true, 'info', [text]], encoding);
            });
            const stream = Uint8Array.from(Buffer.concat(frames));
            const whole = outcomeOf(newSession(), [stream]);
            const lost = list.findIndex(
              ([kind], index) => kind === 'call' && (frames[index]?.length ?? 0) > 104,
            );
            assert.equal(whole.events.length, lost === -1 ? list.length : lost);
            assert.equal(whole.fault, lost === -1 ? undefined : 'ERR_ZEO_FRAME_TOO_LARGE');
            whole.events.forEach((event, index) => {
              const isOver = (frames[index]?.length ?? 0) > 104;
              assert.equal((event as { type: string }).type === 'oversized', isOver);
            });
            assert.deepEqual(outcomeOf(newSession(), split(stream, sizes)), whole);
            assert.deepEqual(outcomeOf(newSession(), split(stream, Array(stream.length).fill(1))), whole);
          }),
          { numRuns: 60 },
        );
      });

      const wrong: [string, Value, RegExp][] = [
        ['a string', 'hello', /Malformed message: expected a tuple of four/],
        ['a tuple of three', [1, 0, '.reply'], /Malformed message: expected a tuple of four/],
        [
          'an id that is a string',
          ['1', 0, '.reply', 1],
          /Malformed message id: expected an integer or a pair of bytes/,
        ],
        [
          'an id that is a fraction',
          [1.5, 0, '.reply', 1],
          /Malformed message id: expected an integer or a pair of bytes/,
        ],
        ['flags that are a string', [1, 'x', '.reply', 1], /Malformed message flags: expected a number/],
        [
          'a method that is bytes',
          [0, true, bytes('info'), []],
          /Malformed message method: expected a string/,
        ],
        ['unknown flags', [1, 3, '.reply', 1], /Malformed reply flags: .* received 3/],
        ['a call that expects a reply', [1, false, 'info', []], /expected a one-way call/],
        ['a one-way call without a tuple', [0, true, 'info', null], /arguments of "info": expected a tuple/],
        [
          'an error without a class name',
          [1, 2, '.reply', [1, []]],
          /Malformed error reply: expected a class name/,
        ],
        [
          'an error that is not a pair',
          [1, 2, '.reply', null],
          /Malformed error reply: expected a class name/,
        ],
      ];
      for (const [name, value, reason] of wrong) {
        it(`rejects ${name}`, () => {
          expectFault(
            () => eventsOf(connected(encoding), message(value, encoding)),
            'ERR_ZEO_PROTOCOL',
            reason,
          );
        });
      }
    });
  }

  it('emits an exception in the form of ZEO 4 as an error', () => {
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

  it('turns an error reply into a ServerError', () => {
    const stream = message([1, 2, '.reply', ['ZODB.POSException.ReadOnlyError', []]]);
    const [event] = received(connected(), stream);
    assert.ok(event?.type === 'error' && event.error instanceof ServerError);
    assert.equal(event.error.code, 'ERR_ZEO_READ_ONLY');
  });

  it('rejects a crafted pickle that only begins as a reply', () => {
    const session = connected();
    const pickle = bytes(0x80, 3, '(K', 1, 'K', 0, 'X', u32le(6), '.replyNNt.');
    const [event] = received(session, frame(pickle));
    expectFault(() => (event as { value: Value }).value, 'ERR_ZEO_PROTOCOL', /tuple of four/);
    expectFault(() => received(session, bytes()), 'ERR_ZEO_PROTOCOL', /tuple of four/);
  });

  it('emits the events before a fault, then always the same fault', () => {
    const session = connected();
    const good = message([1, 0, '.reply', null]);
    const events: ClientEvent[] = [];
    const stream = Buffer.concat([good, frame(bytes(0xff)), good]);
    const error = expectFault(
      () => session.receive(stream, (event) => events.push(event)),
      'ERR_ZEO_PROTOCOL',
      /opcode 0xff/,
    );
    assert.deepEqual(
      events.map(({ type }) => type),
      ['reply'],
    );
    assert.equal(
      expectFault(() => received(session, good), 'ERR_ZEO_PROTOCOL'),
      error,
    );
  });

  it('rejects a non-reply over its limit before its rest has arrived', () => {
    const session = connected('Z', { maxFrameBytes: 1000 });
    const beginning = new Uint8Array(30);
    expectFault(
      () => received(session, bytes(0, 0, 3, 0xe9, beginning)),
      'ERR_ZEO_FRAME_TOO_LARGE',
      /1001 .* 1000/,
    );
    expectFault(
      () => received(connected(), bytes(0x08, 0, 0, 1, beginning)),
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
