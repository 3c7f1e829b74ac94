import { it } from 'node:test';
import { bytes, frame, u32le } from '../../zeo/protocol/byte-builder.js';
import { oid } from '../../zeo/server/records.js';
import { type Reachable, WireClient } from '../../zeo/server/wire-client.js';
import { describeBoth } from './both-servers.js';
import { store, Transcript, tid, zero } from './transcript.js';

/* What a client of Python may put into a transaction's extension, as its pickler writes it, and what ends its connection. */

const text = (value: string) => bytes('X', u32le(value.length), value);
const global = (name: string, module = 'builtins') => bytes(`c${module}\n${name}\n`);
const called = (name: string, ...args: Uint8Array[]) => bytes(global(name), '(', ...args, 'tR');
const int = (value: number) => bytes('K', value);
const list = (...items: Uint8Array[]) => bytes('](', ...items, 'e');

const values: Readonly<Record<string, Uint8Array>> = {
  'a set': called('set', list(int(1))),
  'a frozenset': called('frozenset', list(text('a'))),
  'a complex number': called('complex', bytes('G', 0x3f, 0xf0, 0, 0, 0, 0, 0, 0), int(2)),
  'a range': called('range', int(0), int(3), int(1)),
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

async function answers(server: Reachable, storage: string, value: Uint8Array): Promise<unknown> {
  const client = await WireClient.register(server, storage);
  const see = new Transcript(client);
  const extension = bytes('}', text('value'), value, 's');
  const args = bytes('(', int(7), 'C', 0, 'C', 0, extension, 'C', 8, tid(1), text(' '), 't');
  try {
    // One-way, in a message of its own: `(message id, is one-way, method, arguments)`.
    client.socket.write(frame(bytes(0x80, 3, '(', int(0), 0x88, text('tpc_begin'), args, 't.')));
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

const rows = Object.entries(values);
describeBoth(
  'Types of Python in an extension are treated as by ZEO',
  rows.length,
  (compare) => {
    for (const [index, [name, value]] of rows.entries()) {
      it(name, () => compare(index, (server, storage) => answers(server, storage, value)));
    }
  },
  ['Z5'],
);
