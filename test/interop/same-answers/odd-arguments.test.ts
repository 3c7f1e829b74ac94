import { it } from 'node:test';
import { inspect } from 'node:util';
import type { Value } from '#src/zeo/encoding/values.js';
import { oid, record } from '../../zeo/server/records.js';
import { type Reachable, WireClient } from '../../zeo/server/wire-client.js';
import { describeBoth } from './both-servers.js';
import { type Call, Failure, store, Transcript, tid, undoId, zero } from './transcript.js';

/*
 * Every method of ZEO's server, each argument in turn replaced by odd ones, one left out and one too many: the embedded
 * server has to accept what ZEO's own accepts, refuse the rest with the same exception, and go on where that does.
 */

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
/** The client's name for its transaction. */
const mine = 7;

const odd: readonly Value[] = [
  ...[null, true, false, 0, 1, -1, 1.5, Number.NaN, 2n ** 63n],
  ...['', ' ', 'abcdefgh', bytes('abc'), oid(1), oid(99), tid(1)],
  ...[[], [oid(1)], {}, { user_name: bytes('user 1') }],
];

/**
 * What a call needs around it. An operation and the end of a commit are within a transaction, and an operation is followed
 * by the vote, which is where it fails; nothing is ever written.
 */
type Way = 'call' | 'operation' | 'begin' | 'end' | 'register';

const table: readonly (readonly [Way, ...Call])[] = [
  ['call', 'get_info'],
  ['call', 'lastTransaction'],
  ['call', 'ping'],
  ['call', 'server_status'],
  ['call', 'getInvalidations', tid(1)],
  ['call', 'new_oids', 3],
  ['call', 'pack', 1, 1],
  ['call', 'loadBefore', oid(1), tid(2)],
  ['call', 'getTid', oid(1)],
  ['call', 'loadSerial', oid(1), tid(1)],
  ['call', 'history', oid(1), 2],
  ['call', 'record_iternext', oid(1)],
  ['call', 'undoLog', 0, -20],
  ['call', 'undoInfo', 0, -20, null],
  ['call', 'iterator_start', tid(1), tid(2)],
  ['call', 'iterator_next', 0],
  ['call', 'iterator_record_start', 0, tid(1)],
  ['call', 'iterator_record_next', 1],
  ['call', 'iterator_gc', [0]],
  ['call', 'set_client_label', 'label'],
  ['call', 'sendBlob', oid(1), tid(1)],
  ['call', 'storeBlobStart'],
  ['call', 'storeBlobChunk', bytes('x')],
  ['operation', 'storeBlobEnd', oid(1), zero, bytes('x'), mine],
  ['begin', 'tpc_begin', mine, bytes('user'), bytes('note'), { a: 1 }, tid(8), ' '],
  ['operation', 'storea', oid(50), zero, record('new'), mine],
  ['operation', 'storea', oid(1), tid(2), record('existing'), mine],
  ['operation', 'restorea', oid(1), tid(2), record('r1'), tid(1), mine],
  ['operation', 'deleteObject', oid(1), tid(2), mine],
  ['operation', 'checkCurrentSerialInTransaction', oid(1), tid(2), mine],
  ['operation', 'undoa', undoId(2), mine],
  ['end', 'vote', mine],
  ['end', 'tpc_finish', mine],
  ['end', 'tpc_abort', mine],
  ['register', 'register', 'storage-0', false],
];

/** Calls that no client of ZEO sends, and that ZEO's server answers from the layout of its file, or by damaging it. */
function isLeftOut([method, ...args]: Call): boolean {
  const is = (index: number, ...values: readonly Value[]) =>
    values.some((value) => inspect(value) === inspect(args[index]));
  switch (method) {
    // An object whose oid is not 8 bytes.
    case 'storea':
      return is(0, bytes('abc'));
    // Nor, with the older ZODB, one that is not in the transaction whose record is to be put back.
    case 'restorea':
      return is(0, bytes('abc'), oid(99), tid(1));
    // Of an oid of another type a file storage has an assertion; a mapping storage has no such object, as here.
    case 'getTid':
    case 'loadBefore':
    case 'loadSerial':
    case 'history':
    case 'deleteObject':
    case 'checkCurrentSerialInTransaction':
      return args.length > 0 && !(args[0] instanceof Uint8Array);
    // A transaction that is not later than the last one, and an unknown status.
    case 'tpc_begin':
      return is(4, oid(1), oid(99), tid(1)) || (args.length > 5 && !is(5, ' '));
    // A file storage forgets what was before its first transaction.
    case 'getInvalidations':
      return is(0, oid(1), oid(99));
    // It is formatted into the message, which an empty tuple cannot be.
    case 'iterator_record_start':
      return is(1, []);
    case 'register':
      return is(0, []);
    default:
      return false;
  }
}

function variants([method, ...args]: Call): readonly Call[] {
  const all: Call[] = [
    [method, ...args],
    [method, ...args, null],
    [method, ...args, 1, 2],
    ...args.map((_, length): Call => [method, ...args.slice(0, length)]),
    ...args.flatMap((_, index) => odd.map((value): Call => [method, ...args.with(index, value)])),
  ];
  return all.filter((call) => !isLeftOut(call));
}

/** The answers to a call, and to those that a client would make after it. */
async function answers(server: Reachable, storage: string, way: Way, call: Call): Promise<unknown> {
  const [method, ...args] = call;
  const client = await (way === 'register'
    ? WireClient.connect(server)
    : WireClient.register(server, storage));
  const see = new Transcript(client);
  const isWithin = way === 'operation' || way === 'end';
  try {
    if (method.startsWith('iterator_')) {
      await see.ask('iterator_start', null, null);
      if (method !== 'iterator_next') await see.ask('iterator_next', 0);
      if (method === 'iterator_record_next') await see.ask('iterator_record_start', 0, tid(1));
    }
    if (isWithin) await see.ask('tpc_begin', mine, zero, zero, {}, tid(8), ' ');
    // A conflict, so that there is no vote to finish.
    if (way === 'end') await see.ask(...store(1, tid(1), 'late'), mine);
    await see.ask(...call);
    // ZEO's server refuses a pack while one that nobody waited for is still running.
    while (method === 'pack' && isPacking(see.lines.at(-1)?.answer)) {
      see.lines.pop();
      await see.ask(...call);
    }
    if (way === 'operation') await see.ask('vote', mine);
    if (way === 'begin' && see.lines.at(-1)?.answer === null) {
      const name = args[0] as Value;
      await see.ask(...store(50, zero, 'new'), name);
      await see.ask('vote', name);
    }
    if (isWithin) await see.ask('tpc_abort', mine);
    if (way === 'register') await see.ask('register', storage, false);
    await see.ask('ping');
    return see.lines;
  } finally {
    await client.close();
  }
}

function isPacking(answer: unknown): boolean {
  return answer instanceof Failure && answer.className.endsWith('FileStorageError');
}

/** Three objects and two transactions. */
async function fill(server: Reachable, storage: string): Promise<void> {
  const client = await WireClient.register(server, storage);
  const see = new Transcript(client);
  await see.commit(1, store(0, zero, 'r1', oid(1), oid(2)), store(2, zero, 'r1'), store(1, zero, 'r1'));
  await see.commit(2, store(1, tid(1), 'r2'));
  await client.close();
}

describeBoth('Odd arguments are answered as by ZEO', table.length, (compare) => {
  for (const [index, [way, ...call]] of table.entries()) {
    const [method, ...args] = call;
    it(`${method}, ${args.length} arguments`, async () => {
      await compare(index, fill);
      for (const variant of variants(call)) {
        await compare(index, (server, storage) => answers(server, storage, way, variant), inspect(variant));
      }
    });
  }
});
