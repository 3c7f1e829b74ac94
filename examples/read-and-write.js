/** Reads and writes a storage: prints its root object, and stores a copy of it as a new object. */
import { decodeRecord } from 'zeo-keepalive/records';
import { ClientStorage, formatId, zeroId } from 'zeo-keepalive/zeo';

const storage = await ClientStorage.open(process.argv[2] ?? '127.0.0.1:8100');
const { data, serial } = await storage.load(zeroId).catch((error) => {
  if (error.code !== 'ERR_ZEO_POS_KEY') throw error;
  console.error('The storage has no root object yet: open it once with ZODB.DB');
  process.exit(1);
});
console.log('The root object:', decodeRecord(data).state);
const copy = await storage.newOid();
const tid = await storage.commit({ user: 'anna', description: 'Copy the root' }, async (transaction) => {
  await transaction.checkCurrentSerialInTransaction(zeroId, serial); // conflicts if the root has changed since it was read
  await transaction.store(copy, zeroId, data);
});
console.log(`Its copy is object ${formatId(copy)}, written by transaction ${formatId(tid)}`);
await storage.close();
