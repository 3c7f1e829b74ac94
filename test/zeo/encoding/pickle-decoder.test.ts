import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PythonGlobal } from '#src/python/global.js';
import { PythonObject } from '#src/python/object.js';
import { decodePickle } from '#src/zeo/encoding/pickle-decoder.js';
import { PythonException, type Value } from '#src/zeo/encoding/values.js';
import { bytes, u32le } from '../protocol/byte-builder.js';
import { expectFault } from '../protocol/expect-fault.js';

const read = (pickle: Uint8Array) => decodePickle(pickle, 'server');

function refuses(pickle: Uint8Array, message: RegExp): void {
  expectFault(() => read(pickle), 'ERR_ZEO_PROTOCOL', message);
}

function dict(entries: { [key: string]: Value }): Value {
  return Object.assign(Object.create(null), entries);
}

describe('decodePickle', () => {
  const scalars: [string, Uint8Array, Value][] = [
    ['None', bytes('N.'), null],
    ['True and False', bytes(0x88, 0x89, 0x86, '.'), [true, false]],
    ['protocol 0 booleans', bytes('I01\nI00\n', 0x86, '.'), [true, false]],
    ['protocol 0 int', bytes('I-42\n.'), -42],
    ['protocol 0 long', bytes('L1099511627776L\n.'), 1099511627776],
    ['protocol 0 long beyond 2^53', bytes('L-18446744073709551616L\n.'), -(2n ** 64n)],
    ['protocol 0 float', bytes('F-1.5e+300\n.'), -1.5e300],
    ['protocol 0 infinity', bytes('F-inf\n.'), -Infinity],
    [
      'protocol 0 text',
      bytes('Va\\u000ab\\u005c\\u1234\\U0001f600', 0xe9, '\np0\n.'),
      'a\nb\\\u1234\u{1f600}é',
    ],
    ['BININT', bytes('J', 0xfe, 0xff, 0xff, 0xff, '.'), -2],
    ['BININT2', bytes('M', 0x34, 0x12, '.'), 0x1234],
    ['LONG1 of no bytes', bytes(0x8a, 0, '.'), 0],
    ['LONG1', bytes(0x8a, 6, 0xd0, 0x5c, 0x8e, 0xb5, 0x80, 0x7f, '.'), 140190778547408],
    ['negative LONG1', bytes(0x8a, 2, 0x7f, 0xff, '.'), -129],
    [
      'LONG1 of the last safe integer',
      bytes(0x8a, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, '.'),
      2 ** 53 - 1,
    ],
    ['LONG1 beyond it', bytes(0x8a, 7, 0, 0, 0, 0, 0, 0, 0x20, '.'), 2n ** 53n],
    ['LONG4', bytes(0x8b, u32le(1), 0x80, '.'), -128],
    ['BINFLOAT', bytes('G', 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, '.'), 1.5],
    ['short bytes', bytes('C', 2, 0, 0xff, '.'), bytes(0, 0xff)],
    ['bytes', bytes('B', u32le(1), 7, '.'), bytes(7)],
    ['bytes with a long length', bytes(0x8e, u32le(1), u32le(0), 7, '.'), bytes(7)],
    ['zodbpickle.binary', bytes('U', 3, 'abc', '.'), bytes('abc')],
    ['short text', bytes(0x8c, 2, 0xc3, 0xa9, '.'), 'é'],
    ['text with a byte order mark', bytes('X', u32le(4), 0xef, 0xbb, 0xbf, 'a', '.'), '\ufeffa'],
    [
      'bytes of protocol 2',
      bytes(
        0x80,
        2,
        'c_codecs\nencode\nq',
        0,
        'X',
        u32le(3),
        'a',
        0xc3,
        0xbf,
        'X',
        u32le(6),
        'latin1',
        0x86,
        'R.',
      ),
      bytes('a', 0xff),
    ],
    ['no bytes of protocol 2', bytes(0x80, 2, 'c__builtin__\nbytes\nq', 0, ')Rq', 1, '.'), bytes()],
  ];
  for (const [name, pickle, expected] of scalars) {
    it(`reads ${name}`, () => assert.deepEqual(read(pickle), expected));
  }

  it('reads all forms of tuples and lists as arrays', () => {
    const pickle = bytes(
      '()K',
      1,
      0x85,
      'K',
      1,
      'K',
      2,
      0x86,
      'NNN',
      0x87,
      ']K',
      1,
      'a](K',
      1,
      'K',
      2,
      'e(K',
      3,
      'lt.',
    );
    assert.deepEqual(read(pickle), [[], [1], [1, 2], [null, null, null], [1], [1, 2], [3]]);
  });

  it('reads dicts with text keys as objects without a prototype', () => {
    const value = read(bytes('}X', u32le(1), 'a', 'K', 1, 's(X', u32le(1), 'b', 'K', 2, 'u.'));
    assert.deepEqual(value, dict({ a: 1, b: 2 }));
    assert.deepEqual(read(bytes('(X', u32le(1), 'a', 'Nd.')), dict({ a: null }));
  });

  it('reads dicts with any other key as Maps, wherever that key is', () => {
    const value = read(bytes('}X', u32le(1), 'a', 'K', 1, 's(K', 7, 'K', 2, 'X', u32le(1), 'b', 'Nu.'));
    assert.deepEqual(
      value,
      new Map<Value, Value>([
        ['a', 1],
        [7, 2],
        ['b', null],
      ]),
    );
  });

  it('reads references to a dict that became a Map as that Map', () => {
    const [first, second] = read(bytes('}q', 0, 'K', 1, 'Nsh', 0, 0x86, '.')) as [Value, Value];
    assert.deepEqual(first, new Map([[1, null]]));
    assert.equal(second, first);
  });

  it('reads __proto__ as a key like any other', () => {
    const value = read(bytes('}X', u32le(9), '__proto__', '}X', u32le(8), 'polluted', 'K', 1, 'ss.'));
    assert.deepEqual(Object.keys(value as object), ['__proto__']);
    assert.equal(Object.getPrototypeOf(value), null);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  it('reads all forms of references to the memo', () => {
    const pickle = bytes(
      '(X',
      u32le(1),
      'a',
      0x94,
      'h',
      0,
      'p5\ng5\nr',
      u32le(70_000),
      'j',
      u32le(70_000),
      't.',
    );
    assert.deepEqual(read(pickle), ['a', 'a', 'a', 'a']);
  });

  it('reads protocols 4 and 5 with their frames', () => {
    const content = bytes(0x8c, 1, 'a', 0x94, 0x85, 0x94, '.');
    assert.deepEqual(read(bytes(0x80, 5, 0x95, u32le(content.length), u32le(0), content)), ['a']);
  });

  it('reads exception instances as data', () => {
    assert.deepEqual(
      read(
        bytes(
          0x80,
          3,
          'cbuiltins\nValueError\nq',
          0,
          'X',
          u32le(1),
          'x',
          0x85,
          'R}X',
          u32le(1),
          'a',
          'K',
          1,
          'sb.',
        ),
      ),
      new PythonException('builtins.ValueError', ['x'], dict({ a: 1 })),
    );
    assert.deepEqual(
      read(bytes(0x8c, 1, 'm', 0x8c, 6, 'AError', 0x93, ')', 0x81, '.')),
      new PythonException('m.AError', []),
    );
  });

  it('reads exceptions as ZODB pickles them', () => {
    // dumps(POSKeyError(b'12345678'), 3) of Python
    const pickle = bytes(
      ...[0x80, 3, 'cZODB.POSException\n_recon\nq', 0, 'cZODB.POSException\nPOSKeyError\nq', 1],
      ...[
        '}q',
        2,
        'X',
        u32le(4),
        'argsq',
        3,
        'C',
        8,
        '12345678q',
        4,
        0x85,
        'q',
        5,
        's',
        0x86,
        'q',
        6,
        'Rq',
        7,
        '.',
      ],
    );
    assert.deepEqual(read(pickle), new PythonException('ZODB.POSException.POSKeyError', [bytes('12345678')]));
  });

  it('refuses calls with arguments that Python does not use', () => {
    refuses(
      bytes('c_codecs\nencode\n(X', u32le(1), 'a', 'X', u32le(5), 'rot13', 'tR.'),
      /other than text and latin1/,
    );
    refuses(
      bytes('c_codecs\nencode\n(X', u32le(3), 0xe2, 0x82, 0xac, 'X', u32le(6), 'latin1', 'tR.'),
      /latin1 that is not/,
    );
    refuses(bytes('X', u32le(1), 'a', ')R.'), /other than a class/);
    refuses(bytes('cbuiltins\nValueError\nNR.'), /other than a tuple/);
  });

  it('keeps unknown classes and functions of a server as data', () => {
    const system = new PythonGlobal('os', 'system');
    assert.deepEqual(read(bytes('cos\nsystem\n.')), system);
    assert.deepEqual(read(bytes('cos\nsystem\n(X', u32le(2), 'id', 'tR.')), new PythonObject(system, ['id']));
    // What is known is a value, too, when it is not called.
    assert.deepEqual(read(bytes('c_codecs\nencode\n.')), new PythonGlobal('_codecs', 'encode'));
    const object = read(bytes('cm\nC\n)', 0x81, '}X', u32le(1), 'aK', 1, 'sb(K', 2, 'e(K', 3, 'K', 4, 'u.'));
    assert.ok(object instanceof PythonObject);
    assert.deepEqual([...object.attributes], [['a', 1]]);
    assert.deepEqual([object.items, object.entries], [[2], new Map([[3, 4]])]);
    // What a call would return may be called, or have attributes in slots.
    const slots = read(bytes('cm\nC\n)R)RN}X', u32le(1), 'aK', 1, 's', 0x86, 'b.')) as PythonObject;
    assert.ok(slots.class instanceof PythonObject);
    assert.deepEqual([...slots.attributes], [['a', 1]]);
  });

  it('reads calls of types as Python 2 names them', () => {
    assert.deepEqual(read(bytes('c__builtin__\nlist\n((K', 1, 'K', 2, 'ttR.')), [1, 2]);
    assert.deepEqual(read(bytes('c__builtin__\ndict\n)R.')), dict({}));
  });

  it('bounds unknown objects as it does all others', () => {
    const limits: [Uint8Array, RegExp][] = [
      [bytes('cm\nC\nq', 0, Buffer.alloc(1_600_000, 'h\0)R'), '.'), /too many values/],
      [bytes('cm\nC\n)', 'R)'.repeat(101), 'R.'), /deeper than 100/],
      [
        bytes('](c', 'm'.repeat(190), '\nC\nq', 0, ...Array(2_000).fill(bytes('h', 0)), 'e.'),
        /repeats too much/,
      ],
      [bytes('cm\nC\n)Rq', 0, 'h', 0, 'a.'), /cycle/],
      [bytes('cm\nC\n)Rq', 0, 'K', 1, 'h', 0, 's.'), /cycle/],
      [bytes('cm\nC\n)Rq', 0, 'h', 0, 'b.'), /cycle/],
      [bytes('cm\nC\nNR.'), /other than a tuple/],
    ];
    for (const [pickle, message] of limits) refuses(pickle, message);
  });

  const malformed: [string, Uint8Array, RegExp][] = [
    ['nothing', bytes(), /middle of a value/],
    ['no STOP', bytes('N'), /middle of a value/],
    ['an empty stack', bytes('.'), /not one value/],
    ['two values', bytes('NN.'), /not one value/],
    ['an open mark', bytes('N(.'), /not one value/],
    ['bytes after STOP', bytes('N.N.'), /followed by 2 bytes/],
    ['a tuple without a mark', bytes('Nt.'), /empty stack/],
    ['taking from below a mark', bytes('N(', 0x85, '.'), /empty stack/],
    ['a key without a value', bytes('}(Nu.'), /key without a value/],
    ['appending to a dict', bytes('}Na.'), /other than a list/],
    ['setting an item of a list', bytes(']NNs.'), /other than a dict/],
    ['a state for a list', bytes(']}b.'), /other than an exception/],
    ['an unknown opcode', bytes(0xff, '.'), /opcode 0xff/],
    ['a persistent id', bytes('Pabc\n.'), /opcode 0x50/],
    ['an extension code', bytes(0x82, 1, '.'), /opcode 0x82/],
    ['a set', bytes(0x8f, '.'), /opcode 0x8f/],
    ['protocol 6', bytes(0x80, 6, 'N.'), /newest supported is 5/],
    ['a memo entry that is not there', bytes('h', 1, '.'), /which it never set/],
    ['a memo entry of nothing', bytes('q', 1, 'N.'), /empty stack/],
    ['text of 4 GiB', bytes('X', 0xff, 0xff, 0xff, 0xff, 'a.'), /middle of a value/],
    ['bytes of 2^63', bytes(0x8e, u32le(0), u32le(0x8000_0000), 'a.'), /middle of a value/],
    ['an integer of 4 GiB', bytes(0x8b, 0xff, 0xff, 0xff, 0xff, 'a.'), /middle of a value/],
    ['an integer of 1,025 bytes', bytes(0x8b, u32le(1025), new Uint8Array(1025), '.'), /limit is 1024/],
    ['an integer text without an end', bytes('I', '1'.repeat(5000)), /without an end/],
    ['an integer text that is none', bytes('I0x10\n.'), /malformed integer/i],
    ['a float text that is none', bytes('F1_0\n.'), /malformed float/i],
    ['text that is no UTF-8', bytes('X', u32le(2), 0xc3, 0x28, '.'), /not valid UTF-8/],
    ['text with a surrogate', bytes('X', u32le(3), 0xed, 0xa0, 0x80, '.'), /not valid UTF-8/],
    ['an escape that is no character', bytes('V\\U00110000\n.'), /escape outside of Unicode/],
    [
      'a frame that is longer than the rest',
      bytes(0x95, u32le(100), u32le(0), 'N.'),
      /longer than the bytes that follow/,
    ],
  ];
  for (const [name, pickle, message] of malformed) {
    it(`refuses ${name}`, () => refuses(pickle, message));
  }

  it('refuses a list, a dict and an exception that contain themselves', () => {
    refuses(bytes(']q', 0, 'h', 0, 'a.'), /cycle/);
    refuses(bytes('}q', 0, 'K', 1, 'h', 0, 's.'), /cycle/);
    refuses(bytes(']q', 0, '(h', 0, 'ta.'), /cycle/);
    refuses(bytes('cm\nAError\n)Rq', 0, 'h', 0, 'b.'), /cycle/);
  });

  it('refuses values nested deeper than 100 in all their forms', () => {
    const deep = (opcode: number, levels: number) => bytes('N', new Uint8Array(levels).fill(opcode), '.');
    assert.ok(read(deep(0x85, 100)));
    refuses(deep(0x85, 101), /deeper than 100/);
    refuses(deep(0x85, 1_000_000), /deeper than 100/);
    refuses(bytes(']'.repeat(500), 'a'.repeat(499), '.'), /deeper than 100/);
    const doubled = Array.from({ length: 60 }, (_, index) => [0x85, 'q', index, 'h', index, 0x86]).flat();
    refuses(bytes('N', ...doubled, '.'), /deeper than 100|too many values/);
  });

  it('refuses a million laughs: shared values count each time', () => {
    const laughs = Array.from({ length: 40 }, (_, index) => ['q', index, 'h', index, 0x86]).flat();
    refuses(bytes(')', ...laughs, '.'), /too many values/);
    const dicts = Array.from({ length: 40 }, (_, index) => ['q', index, 'h', index, 0x86]).flat();
    refuses(bytes('}', ...dicts, '.'), /too many values/);
    // The arguments of ZODB's exceptions are part of their state: they must not be there twice.
    const exceptions = Array.from({ length: 45 }, () => [0x85, 's', 0x86, 'R']).flat();
    const opened = Array.from({ length: 45 }, () => [
      'cZODB.POSException\n_recon\ncm\nAError\n}X',
      u32le(4),
      'args',
    ]).flat();
    const nested = read(bytes(...opened, 'N', ...exceptions, '.'));
    assert.ok(nested instanceof PythonException);
    assert.equal(nested.state, null);
  });

  const long = 'a'.repeat(100_000);
  const encode = ['c_codecs\nencode\n'];
  const latin1 = ['X', u32le(6), 'latin1'];
  const fetched: [what: string, stored: Uint8Array, fetch: Uint8Array][] = [
    ['text', bytes('X', u32le(100_000), long, 'q', 0), bytes('h', 0)],
    ['bytes', bytes('B', u32le(100_000), long, 'q', 0), bytes('h', 0)],
    ['a key', bytes('}X', u32le(100_000), long, 'Nsq', 0), bytes('h', 0)],
    ['a class name', bytes('c', 'm'.repeat(190), '\nAError\nq', 0), bytes('h', 0)],
    ['a big integer', bytes(0x8b, u32le(1024), new Uint8Array(1024).fill(0x7f), 'q', 0), bytes('h', 0)],
    [
      'text that is encoded',
      bytes(...encode, 'q', 0, 'X', u32le(100_000), long, 'q', 1, ...latin1, 'q', 2, 0x86, 'R'),
      bytes('h', 0, 'h', 1, 'h', 2, 0x86, 'R'),
    ],
  ];
  for (const [what, stored, fetch] of fetched) {
    it(`refuses ${what} that is sent once and fetched repeatedly`, () => {
      refuses(bytes('](', stored, ...Array(2_000).fill(fetch), 'e.'), /repeats too much by reference/);
    });
  }

  it('reads bytes of protocol 2, which refer to the same callable and encoding each time', () => {
    const first = bytes(...encode, 'q', 0, 'X', u32le(8), '12345678', ...latin1, 'q', 2, 0x86, 'R');
    const next = bytes('h', 0, 'X', u32le(8), '12345678', 'h', 2, 0x86, 'R');
    const oids = read(bytes('](', first, ...Array(20_000).fill(next), 'e.')) as Value[];
    assert.equal(oids.length, 20_001);
    assert.deepEqual(oids.at(-1), bytes('12345678'));
  });

  const listOf = (item: Uint8Array, count: number) =>
    Buffer.concat([bytes(']('), Buffer.alloc(item.length * count, item), bytes('e.')]);

  it('reads a list of a million ids', () => {
    const ids = read(listOf(bytes('C', 8, '\0\0\0\0\0\0\0\x07'), 1_000_000)) as Value[];
    assert.equal(ids.length, 1_000_000);
  });

  it('counts bytes and classes more than once, as they take more memory than they send', () => {
    refuses(listOf(bytes('C', 0), 1_100_000), /too many values/);
    refuses(listOf(bytes('cm\nError\n'), 1_100_000), /too many values/);
  });

  it('refuses more values than its budget before it creates them', () => {
    for (const opcode of ['}', ')', ']', '(', 'N']) {
      const flood = new Uint8Array(6_000_000).fill(opcode.charCodeAt(0));
      refuses(flood, /too many values/);
    }
  });

  it('gives bytes as views of the message', () => {
    const pickle = bytes('C', 3, 'abc.');
    assert.equal((read(pickle) as Uint8Array).buffer, pickle.buffer);
  });
});
