import fc from 'fast-check';
import type { Value } from '#src/zeo/encoding/values.js';

const text = fc.string({ unit: 'binary', maxLength: 40 });
const wide = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(narrowed);
const huge = fc.bigInt({ min: -(2n ** 600n), max: 2n ** 600n }).map(narrowed);

function narrowed(integer: bigint): number | bigint {
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
}

function withoutPrototype(entries: readonly (readonly [string, Value])[]): Value {
  const dict = Object.create(null);
  for (const [key, value] of entries) dict[key] = value;
  return dict;
}

/** Values in the form that decoding gives them, so that they can be compared after a round trip. */
function values(options: {
  integer: fc.Arbitrary<Value>;
  float: fc.Arbitrary<number>;
  key: fc.Arbitrary<string>;
  /** Of a dict with a key that is not text. */
  mapKey: fc.Arbitrary<Value>;
}) {
  return fc.letrec<{ value: Value }>((tie) => {
    const containers: fc.Arbitrary<Value>[] = [
      fc.array(tie('value'), { maxLength: 6 }),
      fc.array(fc.tuple(options.key, tie('value')), { maxLength: 6 }).map(withoutPrototype),
    ];
    const entries = fc.array(fc.tuple(options.mapKey, tie('value')), { minLength: 1, maxLength: 4 });
    containers.push(entries.map((items) => new Map<Value, Value>([...items, ['text', null]])));
    return {
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.maxSafeInteger(),
        options.integer,
        options.float,
        text,
        fc.uint8Array({ maxLength: 300 }),
        ...containers,
      ),
    };
  }).value;
}

/** What pickle can carry. */
export const pickleValue = values({
  integer: huge,
  float: fc.double(),
  key: fc.oneof(text, fc.constant('__proto__')),
  mapKey: fc.integer(),
});

/** What msgpack can carry. */
export const msgpackValue = values({
  integer: wide,
  float: fc.double(),
  key: fc.oneof(text, fc.constant('__proto__')),
  mapKey: fc.oneof(fc.integer(), fc.uint8Array({ maxLength: 40 }), fc.tuple(fc.integer())),
});
