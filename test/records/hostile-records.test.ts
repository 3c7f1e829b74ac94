import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeRecord, RecordError, type RecordOptions, type ZodbRecord } from '#src/records/index.js';
import { bytes, u32le } from '../zeo/protocol/byte-builder.js';

const cls = bytes('cm\nC\n.');
const withState = (...parts: (number | string | Uint8Array)[]) => bytes(cls, bytes(...parts), '.');

/** The record, or `undefined` for a RecordError; any other error fails the test. */
function recordOrError(data: Uint8Array, options?: RecordOptions): ZodbRecord | undefined {
  try {
    const record = decodeRecord(data, options);
    // Its getters must not throw either, whatever is in it.
    assert.equal(typeof record.className, 'string');
    assert.ok(record.attributes);
    assert.ok(record.content === undefined || record.content.kind);
    return record;
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}

function refuses(data: Uint8Array, message: RegExp, options?: RecordOptions): void {
  assert.throws(
    () => decodeRecord(data, options),
    (error) => {
      assert.ok(error instanceof RecordError, String(error));
      assert.match(error.message, message);
      return true;
    },
  );
}

const oid = bytes('U', 8, '12345678');
const packed = bytes('C', 10, 0x07, 0xe8, 7, 1, 12, 0, 0, 0, 0, 0);
/** Opcodes with valid arguments, so that random programs get further than random bytes. */
const steps = [
  ...[...'(.)]}KN0eudtlsaRboQ12'].map((letter) => bytes(letter)),
  ...[0x81, 0x85, 0x86, 0x87, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94].map((opcode) => bytes(opcode)),
  ...[0, 1, 2].flatMap((index) => [bytes('h', index), bytes('q', index)]),
  ...[
    oid,
    packed,
    bytes('X', u32le(1), 'a'),
    bytes('U', 1, 'w'),
    bytes("S'\\xff'\n"),
    bytes('G', new Uint8Array(8)),
  ],
  ...[
    'm\nC',
    'builtins\nset',
    'copyreg\n_reconstructor',
    'copyreg\n__newobj__',
    'copyreg\n__newobj_ex__',
    'datetime\ndatetime',
    'datetime\ntimedelta',
    'datetime\ntimezone',
    'decimal\nDecimal',
    'ZODB.broken\nrebuild',
    'pytz\n_p',
    '_codecs\nencode',
  ].map((name) => bytes(`c${name}\n`)),
];
const program = fc.array(fc.constantFrom(...steps), { maxLength: 40 });
const classes = fc.constantFrom(
  cls,
  bytes('cpersistent.mapping\nPersistentMapping\n.'),
  bytes('cBTrees.OOBTree\nOOBTree\n.'),
);
const python2Text = fc.constantFrom('ascii' as const, 'utf-8' as const, 'latin1' as const, 'bytes' as const);

describe('hostile records', () => {
  it('give a record or a RecordError if they are random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), python2Text, (state, text) => {
        recordOrError(state, { python2Text: text });
        recordOrError(bytes(cls, state), { python2Text: text });
      }),
      { numRuns: 3000 },
    );
  });

  it('give a record or a RecordError if they are random opcodes', () => {
    let records = 0;
    fc.assert(
      fc.property(classes, program, python2Text, (meta, state, text) => {
        if (recordOrError(bytes(meta, ...state, '.'), { python2Text: text })) records++;
      }),
      { numRuns: 20_000 },
    );
    assert.ok(records > 100, `only ${records} programs were records`);
  });

  it('give a record or a RecordError if they are damaged or cut short', () => {
    const tree = bytes(
      '((',
      packed,
      'q',
      1,
      'K',
      1,
      'h',
      1,
      'K',
      2,
      't',
      oid,
      cls.subarray(0, 5),
      0x86,
      'Qt',
    );
    const object = bytes(
      'cm\nD\n)',
      0x81,
      '}(X',
      u32le(1),
      'acdecimal\nDecimal\nU',
      2,
      '.5',
      0x85,
      'Ru',
      'b',
    );
    const record = bytes('cBTrees.OOBTree\nOOBucket\n.', tree, object, 0x86, '.');
    assert.ok(recordOrError(record));
    for (let length = 0; length < record.length; length++) {
      assert.equal(recordOrError(record.subarray(0, length)), undefined);
    }
    const changes = fc.array(fc.tuple(fc.nat(record.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(changes, (mutations) => {
        const copy = record.slice();
        for (const [index, byte] of mutations) copy[index] = byte;
        recordOrError(copy);
      }),
      { numRuns: 20_000 },
    );
  });

  it('are refused if they nest deeper than the limit, in any opcode', () => {
    const tuples = (levels: number) => withState('N', new Uint8Array(levels).fill(0x85));
    assert.ok(recordOrError(tuples(1000)));
    refuses(tuples(1001), /deeper than 1000/);
    refuses(tuples(1_000_000), /deeper than 1000/);
    assert.ok(recordOrError(tuples(10), { maxDepth: 10 }));
    refuses(tuples(11), /deeper than 10/, { maxDepth: 10 });
    const spellings: [string, Uint8Array][] = [
      ['lists', bytes(']'.repeat(20), 'a'.repeat(19))],
      ['dicts', bytes('}K\x01'.repeat(19), '}', 's'.repeat(19))],
      ['keys', bytes('}'.repeat(20), 'Ns'.repeat(19))],
      ['frozensets', bytes('('.repeat(20), 'N', new Uint8Array(20).fill(0x91))],
      ['states', bytes('cm\nC\n)\x81'.repeat(20), 'b'.repeat(19))],
      ['arguments', bytes('cm\nC\n'.repeat(20), ')', 'R\x85'.repeat(19), 'R')],
      ['calls of what calls return', bytes('cm\nC\n', ')R'.repeat(20))],
      ['references of references', bytes(...Array(20).fill(oid), 'Q', '\x86Q'.repeat(19))],
      [
        'time zones',
        bytes(
          ...Array(20).fill(bytes('cdatetime\ndatetime\n', packed)),
          'N',
          ...Array(20).fill(bytes(0x86, 'R')),
        ),
      ],
    ];
    for (const [name, state] of spellings) {
      assert.ok(recordOrError(withState(state)), name);
      assert.throws(() => decodeRecord(withState(state), { maxDepth: 10 }), /deeper than 10/, name);
    }
  });

  it('are measured by the longest path to a value', () => {
    // A list that is 5 deep and 8 tuples around it, in either order.
    const deep = bytes(']'.repeat(5), 'a'.repeat(4), 'q', 0);
    const wrapped = new Uint8Array(8).fill(0x85);
    for (const state of [bytes('(', deep, 'h', 0, wrapped, 't'), bytes('(', deep, wrapped, 'h', 0, 't')]) {
      assert.ok(recordOrError(withState(state), { maxDepth: 14 }));
      refuses(withState(state), /deeper than 13/, { maxDepth: 13 });
    }
  });

  it('may contain cycles', () => {
    const record = recordOrError(withState(']q', 0, 'h', 0, 'ah', 0, 'a'), { maxDepth: 2 });
    const list = record?.state as unknown[];
    assert.equal(list[0], list);
    assert.equal(list[1], list);
  });

  it('share values instead of copying them: a billion laughs are sixty lists', () => {
    const laughs = Array.from({ length: 60 }, (_, index) => ['q', index, 'h', index, 0x86]).flat();
    const record = recordOrError(withState('N', 0x85, ...laughs));
    assert.ok(record);
    const seen = new Set<unknown>();
    for (let value: unknown = record.state; Array.isArray(value); value = value[0]) {
      seen.add(value);
      assert.ok(value.length === 1 || value[0] === value[1]);
    }
    assert.equal(seen.size, 61);
  });

  it('are refused before too many values have been created', () => {
    for (const step of [
      ']',
      '}',
      ')',
      '(',
      'N',
      '2',
      'q\0',
      'h\0',
      'h\0Q',
      'h\x01h\x02R',
      '\x8f',
      'cm\nC\n',
    ]) {
      const start = bytes(oid, 'q', 0, '0cm\nC\nq', 1, '0)q', 2);
      const flood = Buffer.concat([cls, start, Buffer.from(step.repeat(500_000), 'latin1')]);
      refuses(flood, /too many values/, { maxValues: 400_000 });
    }
  });

  it('are refused if few bytes copy much by reference', () => {
    const long = bytes('X', u32le(100_000), 'a'.repeat(100_000), 'q', 0, '0');
    const items = bytes('](', 'N'.repeat(10_000), 'eq', 0, 0x85, 'q', 1, '0');
    const withClass = bytes('(cm\nC\n', 'N'.repeat(10_000), 'tq', 2, '0');
    const again = (...call: (number | string | Uint8Array)[]) => bytes(...Array(5_000).fill(bytes(...call)));
    const calls: [string, Uint8Array, Uint8Array][] = [
      ['bytes', long, again('c_codecs\nencode\nh', 0, 'X', u32le(6), 'latin1', 0x86, 'R')],
      ['decimals', long, again('cdecimal\nDecimal\nh', 0, 0x85, 'R')],
      ['sets', items, again('cbuiltins\nset\nh', 1, 'R')],
      ['arguments', withClass, again('ccopyreg\n__newobj__\nh', 2, 'R')],
    ];
    for (const [name, stored, use] of calls) {
      assert.throws(
        () => decodeRecord(withState(stored, '(', use, 't')),
        /repeats too much|too many values/,
        name,
      );
    }
  });

  it('take linear time for a malformed decimal of many digits', () => {
    const length = 200_000;
    const start = performance.now();
    assert.ok(
      recordOrError(withState('cdecimal\nDecimal\nX', u32le(length), '1'.repeat(length - 1), 'x', 0x85, 'R')),
    );
    // Trying every way to split the digits would take minutes.
    assert.ok(performance.now() - start < 10_000);
  });

  it('are refused if they are longer than the limit', () => {
    refuses(withState('N'), /Record of 8 bytes, the limit is 7/, { maxBytes: 7 });
    assert.ok(recordOrError(withState('N'), { maxBytes: 8 }));
  });

  it('do not touch the prototype of anything', () => {
    const record = recordOrError(
      withState('}X', u32le(9), '__proto__', '}X', u32le(8), 'polluted', 'K', 1, 'ss'),
    );
    assert.deepEqual(record?.attributes.get('__proto__'), new Map([['polluted', 1]]));
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });
});
