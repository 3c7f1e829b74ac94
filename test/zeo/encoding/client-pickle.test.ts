import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PythonGlobal } from '#src/python/global.js';
import { PythonObject } from '#src/python/object.js';
import { codecs } from '#src/zeo/encoding/codec.js';
import { decodePickle } from '#src/zeo/encoding/pickle-decoder.js';
import type { Value } from '#src/zeo/encoding/values.js';
import { bytes, payloadOf, u32le } from '../protocol/byte-builder.js';
import { expectFault } from '../protocol/expect-fault.js';

const read = (pickle: Uint8Array) => decodePickle(pickle, 'client');
const written = (value: unknown) => bytes(payloadOf(codecs.Z.encodeFrame(value as Value, 1000)));
const refuses = (pickle: Uint8Array, message: RegExp) =>
  expectFault(() => read(pickle), 'ERR_ZEO_PROTOCOL', message);
const builtin = (name: string) => bytes(`cbuiltins\n${name}\n`);
const text = (value: string) => bytes('X', u32le(value.length), value);
/** As ZEO's pickler writes the arguments of a call: a tuple of one, then REDUCE. */
const called = (name: string, argument: Uint8Array) => bytes(builtin(name), argument, 0x85, 'R.');
const tuple = (...items: Uint8Array[]) => bytes('(', ...items, 't');
const dict = (entries: object) => Object.assign(Object.create(null), entries);

describe('A pickle of a client', () => {
  it('makes a dict of pairs or another dict', () => {
    const pair = bytes(text('a'), 'K', 1, 0x86);
    assert.deepEqual(read(called('dict', tuple(pair))), dict({ a: 1 }));
    assert.deepEqual(read(called('dict', bytes('}', text('a'), 'K', 1, 's'))), dict({ a: 1 }));
    assert.deepEqual(read(bytes(builtin('dict'), ')R.')), dict({}));
    assert.deepEqual(read(called('dict', tuple(bytes('K', 2, 'K', 1, 0x86)))), new Map([[2, 1]]));
    const proto = read(called('dict', tuple(bytes(text('__proto__'), '}', 0x86)))) as object;
    assert.deepEqual(Object.keys(proto), ['__proto__']);
    assert.equal(Object.getPrototypeOf(proto), null);
    refuses(called('dict', bytes('K', 1)), /other than pairs/);
  });

  it('makes a list or tuple of a sequence', () => {
    assert.deepEqual(read(called('list', tuple(bytes('K', 1), bytes('K', 2)))), [1, 2]);
    assert.deepEqual(read(called('tuple', bytes('](K', 3, 'e'))), [3]);
    refuses(called('list', bytes('K', 1)), /other than a sequence/);
  });

  it('makes a new value with each call, so that what is in the memo does not grow', () => {
    // T = ([],); list(*T) is appended to; T, fetched a thousand times, stays as small as it was charged.
    const fetches = Array.from({ length: 1000 }, () => bytes('h', 0));
    const pickle = bytes('cbuiltins\nlist\n]', 0x85, 'q', 0, 'R(', ...fetches, 'la', 0x8c, 1, 'xa.');
    const value = read(pickle) as readonly [readonly unknown[], string];
    assert.deepEqual(value, [Array.from({ length: 1000 }, () => [[]]), 'x']);
    refuses(bytes('(cbuiltins\ndict\n)q', 0, '0'), /not allowed/);
  });

  it('is charged for each call as much as for its result', () => {
    const calls = Buffer.from('h\0)R'.repeat(800_000));
    refuses(Buffer.concat([bytes('(cbuiltins\ndict\nq', 0, ')R'), calls, bytes('l.')]), /too many values/);
  });

  it('is charged for a dict of shared dicts by its full size', () => {
    // Each level holds the one before it twice.
    const levels = Array.from({ length: 40 }, (_, level) => {
      const item = (key: string) => bytes(text(key), 'h', level, 0x86);
      return bytes(builtin('dict'), tuple(item('a'), item('b')), 0x85, 'Rq', level + 1);
    });
    refuses(bytes('(}q', 0, ...levels, 't.'), /too many values|repeats too much/);
  });

  it('makes the value itself when it calls its type', () => {
    for (const [name, argument, value] of [
      ['bytes', bytes('C', 1, 'x'), bytes('x')],
      ['str', text('x'), 'x'],
      ['int', bytes('K', 5), 5],
      ['float', bytes('G', 0x3f, 0xf8, 0, 0, 0, 0, 0, 0), 1.5],
      ['bool', bytes(0x88), true],
    ] as const) {
      assert.deepEqual(read(called(name, argument)), value, name);
    }
    for (const [name, empty] of [
      ['bytes', new Uint8Array()],
      ['str', ''],
      ['int', 0],
      ['bool', false],
    ] as const) {
      assert.deepEqual(read(bytes(builtin(name), ')R.')), empty, name);
    }
    assert.deepEqual(read(bytes('czodbpickle\nbinary\nC', 1, 'x', 0x85, 'R.')), bytes('x'));
  });

  it('keeps other objects as data, which is written again as it came', () => {
    for (const pickle of [
      called('set', tuple(bytes('K', 1), bytes('K', 2), bytes('K', 3), bytes('K', 4))),
      called('frozenset', bytes(')')),
      called('bytearray', bytes('C', 2, 'xy')),
      called('ValueError', text('no')),
      called('type', bytes('N')),
      called('int', text('7')),
      called('bytes', bytes('J', u32le(0x7fff_ffff))),
      bytes(builtin('range'), 'K', 0, 'K', 3, 'K', 1, 0x87, 'R.'),
    ]) {
      const value = read(pickle);
      assert.ok(value instanceof PythonObject);
      assert.deepEqual(written(value), bytes(0x80, 3, pickle));
    }
    const type = read(bytes(builtin('int'), '.'));
    assert.deepEqual(type, new PythonGlobal('builtins', 'int'));
    assert.deepEqual(written(type), bytes(0x80, 3, builtin('int'), '.'));
  });

  it('keeps the state, items and entries of an object', () => {
    const prefix = bytes('cZopeUndo.Prefix\nPrefix\n)', 0x81, '}(', text('length'), 'K', 2, 'ub.');
    assert.deepEqual((read(prefix) as PythonObject).state, dict({ length: 2 }));
    assert.deepEqual(written(read(prefix)), bytes(0x80, 3, prefix));
    const filled = read(bytes(builtin('object'), ')', 0x81, 'K', 1, 'a', text('k'), 'N', 's.'));
    assert.deepEqual(read(written(filled)), filled);
  });

  for (const [module, name] of [
    ['os', 'system'],
    ['builtins', 'eval'],
    ['builtins', 'getattr'],
    ['builtins', '__import__'],
    ['builtins', 'Error.__subclasses__'],
    ['builtins', 'set.add'],
    ['builtins', 'Set Error'],
    ['__builtin__', 'set'],
    ['copyreg', '_reconstructor'],
    ['datetime', 'datetime'],
    ['persistent.mapping', 'PersistentMapping'],
    ['zodbpickle', 'pickle'],
    ['_codecs', 'encode'],
    ['ZODB.POSException', 'ConflictError'],
    ['x'.repeat(300), 'Error'],
  ] as const) {
    it(`may not name ${module.slice(0, 20)}.${name}, and the fault names it`, () => {
      refuses(bytes(`c${module}\n${name}\n)R.`), /Pickle names a global that is not allowed: "/);
      if (module === 'os') refuses(bytes('cos\nsystem\n.'), /"os\.system"/);
    });
  }
});

describe('A value for a peer', () => {
  it('may hold only objects of Python’s own types, and those in pickle only', () => {
    const date = new PythonGlobal('datetime', 'date');
    for (const value of [date, new PythonObject(date, [1]), new PythonGlobal('builtins', 'eval')]) {
      assert.throws(() => written(value), { code: 'ERR_ZEO_INVALID_ARGUMENT' });
    }
    const set = new PythonObject(new PythonGlobal('builtins', 'set'), [[1]]);
    assert.throws(() => codecs.M.encodeFrame(set, 1000), { code: 'ERR_ZEO_INVALID_ARGUMENT' });
  });
});
