import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { classNameOf } from '#src/records/decode-record.js';
import {
  decodeRecord,
  type KeepAliveError,
  PersistentReference,
  PythonDateTime,
  PythonDecimal,
  PythonGlobal,
  PythonObject,
  PythonTimeDelta,
  PythonTimeZone,
  RecordError,
  type RecordOptions,
  referencesOf,
  type ZopeDateTime,
} from '#src/records/index.js';
import { bytes, u32le } from '../zeo/protocol/byte-builder.js';

type Part = number | string | Uint8Array;

const oid = bytes(0, 0, 0, 0, 0, 0, 1, 0xff);
const oidBytes = bytes('C', 8, oid);
const cls = 'cm\nC\n';
const text = (value: string) => bytes('X', u32le(value.length), value);

/** A record of class `m.C` whose state is built by these opcodes. */
const withState = (...parts: readonly Part[]) => bytes(cls, '.', ...parts, '.');
const stateOf = (...parts: readonly Part[]) => decodeRecord(withState(...parts)).state;
const refuses = (record: Uint8Array, message: RegExp, options?: RecordOptions) => {
  assert.throws(
    () => decodeRecord(record, options),
    (error: KeepAliveError) => {
      assert.ok(error instanceof RecordError, String(error));
      assert.equal(error.code, 'ERR_ZEO_RECORD');
      assert.match(error.message, message);
      return true;
    },
  );
};

describe('decodeRecord', () => {
  const tameClass = new PythonGlobal('m', 'C');
  const metas: [string, Part[], Partial<ReturnType<typeof decodeRecord>>][] = [
    ['a class', [cls], { class: tameClass, newArgs: undefined }],
    ['a class and arguments', [cls, 'K', 1, 0x85, 0x86], { class: tameClass, newArgs: [1] }],
    ['a class and None', [cls, 'N', 0x86], { class: tameClass, newArgs: undefined }],
    [
      'the names of a class and None',
      ['U', 1, 'm', 'U', 1, 'C', 0x86, 'N', 0x86],
      { class: tameClass, newArgs: undefined },
    ],
    [
      'the names of a class and arguments',
      [text('m'), text('C'), 0x86, ')', 0x86],
      { class: tameClass, newArgs: [] },
    ],
    ['a class in protocol 4', [0x8c, 1, 'm', 0x8c, 1, 'C', 0x93], { class: tameClass, newArgs: undefined }],
    ['a persistent class', [oidBytes, 'Q'], { class: new PersistentReference(oid), newArgs: undefined }],
    [
      'a persistent class and arguments',
      [oidBytes, 'QK', 1, 0x85, 0x86],
      { class: new PersistentReference(oid), newArgs: [1] },
    ],
  ];
  for (const [name, meta, expected] of metas) {
    it(`reads the class of a record from ${name}`, () => {
      const record = decodeRecord(bytes(...meta, '.N.'));
      assert.deepEqual({ class: record.class, newArgs: record.newArgs }, expected);
    });
  }

  it('gives the dotted name of a class, and the oid of a persistent one', () => {
    assert.equal(decodeRecord(bytes('ca.b\nC.D\n.N.')).className, 'a.b.C.D');
    assert.equal(decodeRecord(bytes(oidBytes, 'Q.N.')).className, '00000000000001ff');
  });

  const database = text('other');
  const w = [']', text('w')];
  const references: [string, Part[], PersistentReference][] = [
    [
      'an oid and a class',
      [oidBytes, cls, 0x86, 'Q'],
      new PersistentReference(oid, { class: new PythonGlobal('m', 'C') }),
    ],
    [
      'an oid and the names of a class',
      [oidBytes, text('m'), text('C'), 0x86, 0x86, 'Q'],
      new PersistentReference(oid, { class: new PythonGlobal('m', 'C') }),
    ],
    [
      'an oid and a persistent class',
      [oidBytes, oidBytes, 'Q', 0x86, 'Q'],
      new PersistentReference(oid, { class: new PersistentReference(oid) }),
    ],
    ['an oid', [oidBytes, 'Q'], new PersistentReference(oid)],
    ['an oid of Python 2', ['U', 8, oid, 'Q'], new PersistentReference(oid)],
    [
      'an oid of Python 2 that is ASCII',
      ['U', 8, '\0\0\0\0\0\0aa', 'Q'],
      new PersistentReference(bytes('\0\0\0\0\0\0aa')),
    ],
    ['an oid in protocol 0', ['P', oid, '\n'], new PersistentReference(oid)],
    ['a weak one', [...w, 'a', oidBytes, 0x85, 'aQ'], new PersistentReference(oid, { weak: true })],
    [
      'a weak one into another database',
      [...w, 'a', oidBytes, database, 0x86, 'aQ'],
      new PersistentReference(oid, { weak: true, database: 'other' }),
    ],
    ['a weak one of old', [']', oidBytes, 'aQ'], new PersistentReference(oid, { weak: true })],
    [
      'an oid of another database',
      ['](', text('n'), database, oidBytes, 0x86, 'eQ'],
      new PersistentReference(oid, { database: 'other' }),
    ],
    [
      'an oid and a class of another database',
      ['](U', 1, 'm', 'U', 5, 'other', 'U', 8, oid, cls, 0x87, 'eQ'],
      new PersistentReference(oid, { database: 'other', class: new PythonGlobal('m', 'C') }),
    ],
  ];
  for (const [name, id, expected] of references) {
    it(`reads a reference that is ${name}`, () => {
      for (const python2Text of ['ascii', 'utf-8', 'latin1', 'bytes'] as const) {
        const record = decodeRecord(withState(...id), { python2Text });
        assert.deepEqual(record.state, expected, python2Text);
        assert.equal(record.references.at(-1), record.state);
      }
    });
  }

  it('copies the oids of references, so that they do not keep the record alive', () => {
    const data = withState(oidBytes, 'Q');
    const [reference] = decodeRecord(data).references;
    assert.notEqual(reference?.oid.buffer, data.buffer);
    assert.equal(reference?.oid.buffer.byteLength, 8);
    assert.equal(String(reference), '00000000000001ff');
  });

  const badIds: [string, Part[], RegExp][] = [
    ['an oid of 7 bytes', ['C', 7, '1234567', 'Q'], /oid is not 8 bytes/],
    ['a number', ['K', 1, 'Q'], /oid is not 8 bytes/],
    ['an empty tuple', [')Q'], /unknown form/],
    ['three values', [oidBytes, cls, 'N', 0x87, 'Q'], /unknown form/],
    ['an oid and None', [oidBytes, 'N', 0x86, 'Q'], /malformed class/],
    ['of an unknown type', ['](', text('x'), oidBytes, 0x85, 'eQ'], /unknown form/],
    ['of a known type without a tuple', ['](', text('w'), oidBytes, 'eQ'], /unknown form/],
    ['into a database without a name', ['](', text('n'), 'N', oidBytes, 0x86, 'eQ'], /unknown form/],
  ];
  for (const [name, id, message] of badIds) {
    it(`refuses a reference that is ${name}`, () => refuses(withState(...id), message));
  }

  it('keeps the memo from the class to the state', () => {
    const record = decodeRecord(bytes(cls, 'q', 0, '.h', 0, '.'));
    assert.equal(record.state, record.class);
  });

  it("reads Python 2's strings as text or bytes, as the option says", () => {
    const ascii = bytes('U', 3, 'abc');
    const utf8 = bytes('T', u32le(2), 0xc3, 0xa9);
    const neither = bytes("S'\\xff\\n'\n");
    const record = withState(ascii, utf8, neither, 0x87);
    const decoded = (python2Text?: RecordOptions['python2Text']) =>
      decodeRecord(record, python2Text && { python2Text }).state;
    assert.deepEqual(decoded(), ['abc', bytes(0xc3, 0xa9), bytes(0xff, 0x0a)]);
    assert.deepEqual(decoded('ascii'), decoded());
    assert.deepEqual(decoded('utf-8'), ['abc', 'é', bytes(0xff, 0x0a)]);
    assert.deepEqual(decoded('latin1'), ['abc', 'Ã©', 'ÿ\n']);
    assert.deepEqual(decoded('bytes'), [bytes('abc'), bytes(0xc3, 0xa9), bytes(0xff, 0x0a)]);
  });

  it('finds attributes and content also if all strings are bytes', () => {
    const record = bytes(
      'cpersistent.mapping\nPersistentMapping\n.}U',
      4,
      'data',
      '}U',
      1,
      'a',
      'K',
      1,
      'ss.',
    );
    const { attributes, content } = decodeRecord(record, { python2Text: 'bytes' });
    assert.deepEqual([...attributes.keys()], ['data']);
    assert.deepEqual(content, { kind: 'mapping', entries: new Map([[bytes('a'), 1]]) });
  });

  it('decodes every escape of protocol 0', () => {
    const state = decodeRecord(withState(`S"\\\\\\'\\"\\a\\b\\f\\n\\r\\t\\v\\x41\\101\\0é\\q"\n`), {
      python2Text: 'latin1',
    }).state;
    assert.equal(state, '\\\'"\x07\b\f\n\r\t\vAA\0é\\q');
  });

  it('joins surrogate pairs as some builds of Python 2 wrote them', () => {
    assert.equal(stateOf('V\\ud83d\\ude00\n'), '\u{1f600}');
  });

  it('reads lone surrogates, which UTF-8 does not allow but Python does', () => {
    assert.equal(stateOf('X', u32le(8), 'a', 0xed, 0xa0, 0x80, 'b', 0xed, 0x95, 0x9c), 'a\ud800b한');
    refuses(withState('X', u32le(2), 0xed, 0xa0), /not valid UTF-8/);
    refuses(withState('X', u32le(4), 0xed, 0xa0, 0x80, 0xff), /not valid UTF-8/);
  });

  it('reads the old-style instances of Python 2', () => {
    const expected = new PythonObject(new PythonGlobal('m', 'Old'), [1]);
    expected.state = new Map([['a', 2]]);
    const state = bytes('}U', 1, 'a', 'K', 2, 's');
    assert.deepEqual(stateOf('(cm\nOld\nK', 1, 'o', state, 'b'), expected);
    assert.deepEqual(stateOf('(K', 1, 'im\nOld\n', state, 'b'), expected);
    assert.deepEqual([...(stateOf('(cm\nOld\no', state, 'b') as PythonObject).attributes], [['a', 2]]);
  });

  it('reads an instance of a persistent class', () => {
    const state = stateOf(oidBytes, 'Q)', 0x81) as PythonObject;
    assert.deepEqual(state.class, new PersistentReference(oid));
  });

  it('reads an object that was written back without its class as one of that class', () => {
    const state = stateOf('cZODB.broken\nrebuild\n(', text('gone'), text('Class'), 'K', 1, 'tR');
    assert.deepEqual(state, new PythonObject(new PythonGlobal('gone', 'Class'), [1]));
  });

  it('treats a known callable with unusual arguments like an unknown one', () => {
    for (const [name, args] of [
      ['decimal\nDecimal', text('one')],
      ['datetime\ndate', bytes('C', 4, 0, 0, 1, 1)],
      ['datetime\ndatetime', bytes('C', 9, '123456789')],
      ['_codecs\nencode', text('rot13')],
      ['datetime\ntimezone', bytes('cdatetime\ntimedelta\nK', 1, 0x85, 'R')],
      ['builtins\nbytes', bytes('K', 100)],
      ['builtins\nset', bytes('K', 1)],
      ['builtins\ncomplex', bytes('K', 1)],
    ] as const) {
      const state = stateOf(`c${name}\n`, args, 0x85, 'R') as PythonObject;
      assert.ok(state instanceof PythonObject, name);
      assert.equal(String(state.class), name.replace('\n', '.'));
      assert.equal(state.args.length, 1);
    }
  });

  it('knows the offset of the zones of pytz', () => {
    const packed = bytes('C', 10, 0x07, 0xe8, 7, 1, 12, 0, 0, 0, 0, 0);
    const berlin = bytes(
      'cpytz\n_p\n(',
      text('Europe/Berlin'),
      'M',
      0x20,
      0x1c,
      'M',
      0x10,
      0x0e,
      text('CEST'),
      'tR',
    );
    const utc = bytes('cpytz\n_UTC\n)R');
    const fixed = bytes('cpytz\nFixedOffset\nJ', u32le(0x1_0000_0000 - 90), 0x85, 'R');
    const at = (zone: Uint8Array) =>
      stateOf('cdatetime\ndatetime\n', packed, zone, 0x86, 'R') as PythonDateTime;
    assert.equal(String(at(berlin)), '2024-07-01T12:00:00+02:00');
    assert.equal(at(berlin).toDate()?.toISOString(), '2024-07-01T10:00:00.000Z');
    assert.deepEqual(
      at(berlin).time.tzinfo,
      new PythonTimeZone(new PythonTimeDelta(0, 7200, 0), 'Europe/Berlin'),
    );
    assert.equal(at(utc).toDate()?.toISOString(), '2024-07-01T12:00:00.000Z');
    assert.equal(String(at(fixed)), '2024-07-01T12:00:00-01:30');
  });

  it('takes the name of a zone without an offset for a name only', () => {
    const packed = bytes('C', 10, 0x07, 0xe8, 7, 1, 12, 0, 0, 0, 0, 0);
    const zone = bytes('cpytz\n_p\n(', text('Etc/GMT+5'), 'tR');
    const moment = stateOf('cdatetime\ndatetime\n', packed, zone, 0x86, 'R') as PythonDateTime;
    assert.deepEqual(moment.time.tzinfo, new PythonTimeZone(null, 'Etc/GMT+5'));
    assert.equal(moment.toDate(), undefined);
    assert.equal(String(moment), '2024-07-01T12:00:00+??:??[Etc/GMT+5]');
    assert.ok(Number.isNaN(Date.parse(String(moment))));
    assert.match(JSON.stringify(moment), /"utcOffset":null,"name":"Etc\/GMT\+5"/);
    assert.match(inspect(moment, { depth: null }), /utcOffset: null, name: 'Etc\/GMT\+5'/);
  });

  it('keeps the names of zones that early versions of dateutil wrote', () => {
    const hour = bytes('cdatetime\ntimedelta\n(K', 0, 'M', 0x10, 0x0e, 'K', 0, 'tR');
    const state = bytes(
      '}(',
      text('_std_abbr'),
      text('CET'),
      text('_std_offset'),
      hour,
      text('_start_delta'),
      'Nu',
    );
    const file = text('/usr/lib/zoneinfo/Europe/Berlin');
    for (const [zone, expected] of [
      [bytes('cdateutil.tz\ntzfile\n', file, 0x85, 'R'), new PythonTimeZone(null, 'Europe/Berlin')],
      [bytes('cdateutil.tz.tz\ntzfile\n', file, 0x85, 'R'), new PythonTimeZone(null, 'Europe/Berlin')],
      [bytes('cdateutil.zoneinfo\ngettz\n', text('UTC'), 0x85, 'R'), new PythonTimeZone(null, 'UTC')],
      [
        bytes('cdateutil.tz.tz\ntzrange\n)', 0x81, state, 'b'),
        new PythonTimeZone(new PythonTimeDelta(0, 3600, 0), 'CET'),
      ],
    ] as const) {
      assert.deepEqual(stateOf(zone), expected);
    }
  });

  it('treats an offset of pytz that is not an integer as unknown', () => {
    const state = stateOf('cpytz\nFixedOffset\nN', 0x85, 'R') as PythonObject;
    assert.equal(String(state.class), 'pytz.FixedOffset');
  });

  it('leaves a date that the calendar does not have undecoded', () => {
    const dateOf = (...days: number[]) => stateOf('cdatetime\ndate\n', bytes('C', 4, ...days), 0x85, 'R');
    assert.equal(String(dateOf(0x07, 0xe8, 2, 29)), '2024-02-29');
    assert.ok(dateOf(0x07, 0xe7, 2, 29) instanceof PythonObject);
    assert.ok(dateOf(0x07, 0xe8, 4, 31) instanceof PythonObject);
  });

  it('reads the point in time of a DateTime of Zope, and its zone', () => {
    const dateTime = (...state: (string | number | Uint8Array)[]) =>
      stateOf('cDateTime.DateTime\nDateTime\n)', 0x81, 'q', 77, bytes(...state), 'b');
    const micros = bytes(0x8a, 7, 0x01, 0xc8, 0x03, 0xa9, 0x2c, 0x1c, 0x06);
    const zoned = dateTime(micros, 0x89, text('GMT+2'), 0x87) as ZopeDateTime;
    assert.equal(String(zoned), '2024-07-01T10:00:00.000001Z[GMT+2]');
    assert.equal(zoned.toDate()?.toISOString(), '2024-07-01T10:00:00.000Z');
    const naive = dateTime(micros, 0x88, text('GMT+0'), 0x87) as ZopeDateTime;
    assert.equal(String(naive), '2024-07-01T10:00:00.000001');
    assert.equal(naive.toDate(), undefined);
    // A float in seconds, or an integer in microseconds?
    assert.ok(dateTime('J', u32le(1_720_000_000), 0x89, text('UTC'), 0x87) instanceof PythonObject);
  });

  it('returns a value that its state completes from the memo, too', () => {
    const state = stateOf(
      '](cuuid\nUUID\n)',
      0x81,
      'q',
      77,
      '}',
      text('int'),
      'K',
      5,
      'sbh',
      77,
      'e',
    ) as unknown[];
    assert.equal(String(state[0]), '00000000-0000-0000-0000-000000000005');
    assert.equal(state[0], state[1]);
  });

  it('leaves an unknown time zone as it is, without a point in time', () => {
    const packed = bytes('C', 10, 0x07, 0xe8, 0x87, 1, 12, 0, 0, 0, 0, 0);
    const state = stateOf('cdatetime\ndatetime\n', packed, 'cdateutil.tz\ntzlocal\n)R', 0x86, 'R');
    assert.ok(state instanceof PythonDateTime);
    assert.equal(String((state.time.tzinfo as PythonObject).class), 'dateutil.tz.tzlocal');
    assert.equal(state.time.fold, 1);
    assert.equal(state.toDate(), undefined);
    assert.equal(String(state), '2024-07-01T12:00:00+??:??');
  });

  it('converts decimals to numbers on request', () => {
    const numbers = ['1.50', '-1E+3', 'NaN', '-Infinity', '.5'].map((value) =>
      new PythonDecimal(value).toNumber(),
    );
    assert.deepEqual(numbers, [1.5, -1000, Number.NaN, -Infinity, 0.5]);
  });

  it('reads the name of the class from the first pickle alone', () => {
    assert.equal(classNameOf(bytes(cls, '.damaged')), 'm.C');
    assert.equal(classNameOf(bytes(0x80, 2, '(', cls, ')t.N.')), 'm.C');
    for (const record of [bytes(), bytes('cm'), bytes('K', 1, '.'), bytes('.zx')])
      assert.equal(classNameOf(record), undefined);
  });

  for (const className of [
    'persistent.mapping\nPersistentMapping',
    'persistent.dict\nPersistentDict',
    'Persistence.mapping\nPersistentMapping',
    'Persistence\nPersistentMapping',
    'ZODB.PersistentMapping\nPersistentMapping',
    'PersistentMapping\nPersistentMapping',
  ]) {
    it(`finds the content of a mapping by its former name: ${className.replace('\n', '.')}`, () => {
      const { content } = decodeRecord(bytes(`c${className}\n.}`, text('_container'), '}K', 1, 'Nss.'));
      assert.deepEqual(content, { kind: 'mapping', entries: new Map([[1, null]]) });
    });
  }

  it('gives no content of a container with a malformed state', () => {
    for (const name of [
      'persistent.mapping\nPersistentMapping',
      'BTrees.OOBTree\nOOBucket',
      'BTrees.OOBTree\nOOBTree',
    ]) {
      for (const state of [
        bytes('K', 1),
        bytes('K', 1, 0x85),
        bytes(')K', 1, 0x86),
        bytes('K', 1, 0x85, 0x85),
        bytes('(K', 1, 'K', 2, 't]', 0x86),
      ]) {
        assert.equal(decodeRecord(bytes(`c${name}\n.`, state, '.')).content, undefined);
      }
    }
  });

  it('returns bytes as views of the record', () => {
    const data = withState('C', 3, 'abc');
    assert.equal((decodeRecord(data).state as Uint8Array).buffer, data.buffer);
  });

  const malformed: [string, Uint8Array, RegExp][] = [
    ['nothing', bytes(), /middle of a value/],
    ['a class alone', bytes(cls, '.'), /class and no state/],
    ['three pickles', withState('N.N'), /followed by 2 bytes/],
    ['a compressed record', bytes('.zx'), /zc\.zlibstorage/],
    ['a class that is a number', bytes('K', 1, '.N.'), /malformed class/],
    ['a class of an unknown form', bytes(cls, 'NN', 0x87, '.N.'), /class in an unknown form/],
    ['a class with malformed arguments', bytes(cls, 'K', 1, 0x86, '.N.'), /class in an unknown form/],
    ['an extension code', withState(0x82, 1), /extension registry/],
    ['an out-of-band buffer', withState(0x97), /opcode 0x97/],
    ['protocol 6', withState(0x80, 6, 'N'), /newest supported is 5/],
    ['a call of text', withState(text('a'), ')R'), /other than a class/],
    ['a call without a tuple', withState(cls, 'NR'), /other than a tuple/],
    ['a state for a list', withState(']}b'), /other than an object/],
    ['an item for a number', withState('K', 1, 'Na'), /other than a list/],
    ['an item of a list', withState(']NNs'), /other than a dict/],
    ['an item that joins no set', withState(']', '(N', 0x90), /other than a set/],
    ['a key without a value', withState('}(Nu'), /key without a value/],
    ['taking from below a mark', withState('N(', 0x85), /empty stack/],
    ['dropping what is not there', withState('0N'), /empty stack/],
    ['a memo entry that is not there', withState('h', 1), /which it never set/],
    ['text of 4 GiB', withState('X', 0xff, 0xff, 0xff, 0xff, 'a'), /middle of a value/],
    ['bytes of 2^63', withState(0x8e, u32le(0), u32le(0x8000_0000)), /middle of a value/],
    ['an integer of 1,025 bytes', withState(0x8b, u32le(1025), new Uint8Array(1025)), /limit is 1024/],
    ['a string without quotes', withState('Sabc\n'), /without matching quotes/],
    ['half an escape', withState("S'\\x4'\n"), /incomplete escape/],
    ['an escaped quote for an end', withState("S'\\'\n"), /incomplete escape/],
  ];
  for (const [name, record, message] of malformed) {
    it(`refuses ${name}`, () => refuses(record, message));
  }

  it('reports the position of damage', () => {
    assert.throws(() => decodeRecord(withState('K', 1, 'Na')), {
      offset: 10,
      message: /at byte 10 of the record/,
    });
  });

  it('refuses anything but a Uint8Array, and options out of range', () => {
    const invalid = { code: 'ERR_ZEO_INVALID_ARGUMENT' };
    assert.throws(() => decodeRecord('abc' as unknown as Uint8Array), invalid);
    for (const options of [
      { maxDepth: 0 },
      { maxBytes: 1.5 },
      { maxValues: 2 ** 25 },
      { python2Text: 'utf8' },
    ]) {
      assert.throws(() => decodeRecord(withState('N'), options as RecordOptions), invalid);
    }
  });
});

describe('referencesOf', () => {
  it('reads the references of a record whose first pickle is not a class', () => {
    const oid = Buffer.from('0000000000000007', 'hex');
    const reference = Buffer.concat([Buffer.from('(U\x08', 'latin1'), oid, Buffer.from('NtQ.')]);
    for (const first of ['N.', "S'text'\n.", ']q\x00.', '}.']) {
      const record = Buffer.concat([Buffer.from(first, 'latin1'), reference]);
      assert.deepEqual(referencesOf(record), [Uint8Array.from(oid)]);
      assert.throws(() => decodeRecord(record), { code: 'ERR_ZEO_RECORD' });
    }
  });

  it('refuses anything but two pickles within the limits', () => {
    for (const record of ['', 'N.', 'N.N'])
      assert.throws(() => referencesOf(Buffer.from(record)), { code: 'ERR_ZEO_RECORD' });
    assert.throws(() => referencesOf(Buffer.from('N.N.'), { maxBytes: 3 }), { code: 'ERR_ZEO_RECORD' });
  });
});
