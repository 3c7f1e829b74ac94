import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { codecs, type Encoding } from '#src/zeo/encoding/codec.js';
import { ClientSession, ServerSession } from '#src/zeo/protocol/index.js';
import { frame, split } from './byte-builder.js';
import { valueOrFault } from './expect-fault.js';
import { conversations, recordedFrames } from './recorded-frames.js';
import { outcomeOf } from './session-events.js';

// Pickle opcodes that build values, so that random programs get further than random bytes.
const opcodes = [
  ...'(.)]}KNCXUtlades0usbcRhqjrgp',
  '\x85',
  '\x86',
  '\x87',
  '\x8a',
  '\x93',
  '\x94',
  '\x81',
].map((opcode) => opcode.charCodeAt(0));
const classes = ['cm\nAError\n', 'cm\nAny\n'].map((global) => [...Buffer.from(global)]);
const program = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...opcodes).map((opcode) => [opcode]) },
      { weight: 2, arbitrary: fc.tuple(fc.constantFrom(0x68, 0x71, 0x4b), fc.nat(4)) },
      { weight: 1, arbitrary: fc.constantFrom(...classes) },
    ),
    { maxLength: 60 },
  )
  .map((parts) => Uint8Array.from([...parts.flat(), 0x2e]));

for (const [encoding, recording] of [
  ['Z', 'z5.jsonl'],
  ['M', 'm5.jsonl'],
] as const satisfies [Encoding, string][]) {
  const { decode } = codecs[encoding];
  const payloads = recordedFrames(recording)
    .filter(({ value }) => typeof value !== 'string')
    .map(({ payload }) => payload);
  const mutated = fc
    .tuple(
      fc.constantFrom(...payloads),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    )
    .map(([payload, changes]) => {
      const copy = payload.slice();
      for (const [index, byte] of changes) copy[index % copy.length] = byte;
      return copy;
    });
  const streams = conversations(recording).flatMap((talk) =>
    (['client', 'server'] as const).map((from) => ({
      from,
      stream: Buffer.concat(talk.filter((one) => one.from === from).map(({ payload }) => frame(payload))),
    })),
  );
  const newSession = (from: 'client' | 'server') =>
    from === 'server'
      ? new ClientSession({ maxFrameBytes: 100_000 })
      : new ServerSession({ encoding, maxFrameBytes: 100_000 });

  describe(`Hostile bytes in encoding ${encoding}`, () => {
    it('give a value or a ProtocolError if they are random', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          valueOrFault(() => decode(bytes, 'server'));
        }),
        { numRuns: 3000 },
      );
    });

    it('give a value or a ProtocolError if they are a mutated message', () => {
      fc.assert(
        fc.property(mutated, (bytes) => {
          // The value must also be harmless to print.
          inspect(
            valueOrFault(() => decode(bytes, 'server')),
            { depth: null },
          );
        }),
        { numRuns: 3000 },
      );
    });

    it('give a ProtocolError if they are a truncated message', () => {
      for (const payload of payloads) {
        for (let length = 0; length < payload.length; length++) {
          assert.equal(
            valueOrFault(() => decode(payload.subarray(0, length), 'server')),
            undefined,
          );
        }
      }
    });

    it('give the same events and fault however they are split', () => {
      const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 });
      const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 40 });
      fc.assert(
        fc.property(fc.constantFrom(...streams), changes, cuts, ({ from, stream }, mutations, sizes) => {
          const bytes = Uint8Array.from(stream);
          for (const [index, byte] of mutations) bytes[index % bytes.length] = byte;
          const whole = outcomeOf(newSession(from), [bytes]);
          assert.deepEqual(outcomeOf(newSession(from), split(bytes, sizes)), whole);
          const single = outcomeOf(
            newSession(from),
            Array.from(bytes, (byte) => Uint8Array.of(byte)),
          );
          assert.deepEqual(single, whole);
        }),
        { numRuns: 60 },
      );
    });
  });
}

describe('Hostile pickles', () => {
  it('give a value that can be printed, or a ProtocolError', () => {
    let values = 0;
    fc.assert(
      fc.property(program, (bytes) => {
        for (const sender of ['client', 'server'] as const) {
          const value = valueOrFault(() => codecs.Z.decode(bytes, sender));
          if (value === undefined) continue;
          values++;
          assert.ok(inspect(value, { depth: null }).length < 1_000_000);
        }
      }),
      { numRuns: 20_000 },
    );
    assert.ok(values > 10, `only ${values} programs were pickles`);
  });
});
