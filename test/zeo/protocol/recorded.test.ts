import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codecs, type Encoding } from '#src/zeo/encoding/codec.js';
import type { Value } from '#src/zeo/encoding/values.js';
import { ClientSession, parseStatus, ServerSession } from '#src/zeo/protocol/index.js';
import { frame, payloadOf } from './byte-builder.js';
import { conversations, type RecordedFrame, recordedFrames, recordings } from './recorded-frames.js';
import { eventsOf } from './session-events.js';

const maxFrameBytes = 1_000_000;

/** The answer to `ruok`, which no session reads. */
function isStatus(value: Value): boolean {
  return typeof value === 'string' && value.startsWith('{');
}

/** A recorded message in the form of the client's events. */
function clientEvent({ value }: RecordedFrame): unknown {
  if (typeof value === 'string') return { type: 'handshake', protocol: value };
  const [id, flags, method, args] = value as [Value, Value, string, Value];
  if (method !== '.reply') return { type: 'call', method, args };
  if (flags === 0) return { type: 'reply', id, value: args };
  const [className, exceptionArgs] = args as [string, Value];
  return { type: 'error', id, className, args: exceptionArgs };
}

/** A recorded message in the form of the server's events. */
function serverEvent({ value }: RecordedFrame): unknown {
  if (value === 'ruok') return { type: 'ruok' };
  if (typeof value === 'string') return { type: 'handshake', protocol: value };
  const [id, flags, method, args] = value as [Value, Value, string, Value];
  if (id === -1) return { type: 'heartbeat' };
  return { type: 'call', id, oneWay: flags === true, method, args };
}

for (const name of recordings) {
  const encoding: Encoding = name.startsWith('m') ? 'M' : 'Z';
  const codec = codecs[encoding];
  const messages = recordedFrames(name).filter((recorded) => typeof recorded.value !== 'string');
  const talks = conversations(name);

  describe(`The recorded conversation ${name}`, () => {
    it('is decoded to the recorded values', () => {
      assert.ok(messages.length > 5);
      for (const { from, payload, value } of messages) assert.deepEqual(codec.decode(payload, from), value);
    });

    it('is encoded to bytes that decode to the same values', () => {
      for (const { from, value } of messages) {
        const encoded = codec.encodeFrame(value, maxFrameBytes);
        assert.equal(new DataView(encoded.buffer, encoded.byteOffset).getUint32(0), encoded.length - 4);
        assert.deepEqual(codec.decode(payloadOf(encoded), from), value);
      }
    });

    it('makes the client session emit one event per server message', () => {
      for (const talk of talks) {
        const session = new ClientSession();
        const sent = talk.filter(({ from, value }) => from === 'server' && !isStatus(value));
        const events = eventsOf(session, Buffer.concat(sent.map(({ payload }) => frame(payload))));
        assert.deepEqual(events, sent.map(clientEvent));
        assert.equal(session.protocol, `${encoding}5`);
      }
    });

    it('makes the server session emit one event per client message', () => {
      for (const talk of talks) {
        const session = new ServerSession({ encoding });
        const sent = talk.filter(({ from }) => from === 'client');
        const events = eventsOf(session, Buffer.concat(sent.map(({ payload }) => frame(payload))));
        assert.deepEqual(events, sent.map(serverEvent));
      }
    });

    it('reads the answer to the health check', () => {
      for (const { payload, value } of recordedFrames(name).filter((one) => isStatus(one.value))) {
        assert.deepEqual(parseStatus(payload), JSON.parse(value as string));
      }
    });
  });
}
