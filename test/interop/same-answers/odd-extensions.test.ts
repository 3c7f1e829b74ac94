import { it } from 'node:test';
import { bytes, frame, u32le } from '../../zeo/protocol/byte-builder.js';
import { oid } from '../../zeo/server/records.js';
import { type Reachable, WireClient } from '../../zeo/server/wire-client.js';
import { describeBoth } from './both-servers.js';
import { store, Transcript, tid, zero } from './transcript.js';

/* What a client of Python may put into a transaction's extension, as it is on the wire, and what ends its connection. */

const text = (value: string) => bytes('X', u32le(value.length), value);
const global = (name: string, module = 'builtins') => bytes(`c${module}\n${name}\n`);
const called = (name: string, ...args: Uint8Array[]) => bytes(global(name), '(', ...args, 'tR');
const int = (value: number) => bytes('K', value);
const list = (...items: Uint8Array[]) => bytes('](', ...items, 'e');

const pickles: Readonly<Record<string, Uint8Array>> = {
  'a set': called('set', list(int(1))),
  'a frozenset': called('frozenset', list(text('a'))),
  'a complex number': called('complex', bytes('G', 0x3f, 0xf0, 0, 0, 0, 0, 0, 0), int(2)),
  'a range': called('range', int(0), int(3), int(1)),
  'a slice': called('slice', int(0), bytes('N'), bytes('N')),
  'a bytearray': called('bytearray', bytes('C', 2, 'xy')),
  'bytes that are marked as such': bytes(global('binary', 'zodbpickle'), 'C', 2, 'xy', 0x85, 'R'),
  'an exception': called('ValueError', text('no'), int(1)),
  'an exception class': global('KeyError'),
  'a type': global('int'),
  'an object': bytes(global('object'), ')', 0x81),
  Ellipsis: global('Ellipsis'),
  'the type of None': called('type', bytes('N')),
  'a dict by a call': called('dict', list(bytes(text('b'), int(1), 0x86))),
  'a dict with other keys than text': bytes('}(', int(1), int(2), 'C', 1, 'k', int(3), 'u'),
  'a list by a call': called('list', bytes('(', int(1), 't')),
  'an int by a call': called('int', int(7)),
  'text by a call': called('str', text('x')),
  'an instance of a class of its own': bytes(global('Thing', 'app'), ')', 0x81),
  'a datetime': bytes(global('datetime', 'datetime'), 'C', 10, '\x07\xea\x01\x02\x03\x04\0\0\0\0', 0x85, 'R'),
  'an exception of ZODB': bytes(global('ConflictError', 'ZODB.POSException'), ')R'),
  'bytes as protocol 2 has them': bytes(global('encode', '_codecs'), text('x'), text('latin1'), 0x86, 'R'),
  'a type as Python 2 has it': bytes(global('set', '__builtin__'), list(int(1)), 0x85, 'R'),
  'a builtin that there is not': bytes(global('nothing'), ')R'),
  'a method of a builtin': bytes(global('set.add')),
  'a dict that cannot be made': called('dict', int(1)),
};

/** `(message id, is one-way, 'tpc_begin', (id, user, description, extension, tid, status))` */
function beginPickled(value: Uint8Array): Uint8Array {
  const extension = bytes('}', text('value'), value, 's');
  const args = bytes('(', int(7), 'C', 0, 'C', 0, extension, 'C', 8, tid(1), text(' '), 't');
  return bytes(0x80, 3, '(', int(0), 0x88, text('tpc_begin'), args, 't.');
}

const dicts: Readonly<Record<string, Uint8Array>> = {
  'a key that is bytes': bytes(0x82, 0xc4, 1, 'k', 1, 0xa1, 'a', 2),
  'the key __proto__': bytes(0x81, 0xa9, '__proto__', 0x81, 0xa1, 'a', 1),
  'a negative zero': bytes(0x81, 0xa1, 'z', 0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0),
  'long text with a byte order mark': bytes(0x81, 0xa1, 'b', 0xda, 1, 0, 0xef, 0xbb, 0xbf, 'x'.repeat(253)),
  'a key that is an integer': bytes(0x81, 1, 2),
  'a key that is None': bytes(0x81, 0xc0, 2),
  'a key that is a tuple': bytes(0x81, 0x91, 1, 2),
  'a key that is a dict': bytes(0x81, 0x80, 1),
};

function beginPacked(extension: Uint8Array): Uint8Array {
  const args = bytes(0x96, 7, 0xc4, 0, 0xc4, 0, extension, 0xc4, 8, tid(1), 0xa1, ' ');
  return bytes(0x94, 0, 0xc3, 0xa9, 'tpc_begin', args);
}

async function answers(server: Reachable, storage: string, begin: Uint8Array): Promise<unknown> {
  const client = await WireClient.register(server, storage);
  const see = new Transcript(client);
  try {
    client.socket.write(frame(begin));
    await see.ask(...store(1, zero, 'new'), 7);
    await see.ask('vote', 7);
    await see.ask('tpc_finish', 7);
    await see.ask('undoLog', 0, -1);
    await see.ask('history', oid(1));
    await see.ask('iterator_start', null, null);
    await see.ask('iterator_next', 0);
    await see.ask('ping');
    return see.lines;
  } finally {
    await client.close();
  }
}

for (const [encoding, table, begin] of [
  ['Z5', pickles, beginPickled],
  ['M5', dicts, beginPacked],
] as const) {
  const rows = Object.entries(table);
  describeBoth(
    'Odd extensions are treated as by ZEO',
    rows.length,
    (compare) => {
      for (const [index, [name, value]] of rows.entries()) {
        it(name, () => compare(index, (server, storage) => answers(server, storage, begin(value))));
      }
    },
    [encoding],
  );
}
