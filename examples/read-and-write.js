/** Reads and writes a storage: shows its root object, and keeps a copy of that as a new object. */
import { decodeRecord } from 'zeo-keepalive/records';
import { ClientStorage, formatId, zeroId } from 'zeo-keepalive/zeo';

const storage = await ClientStorage.open(process.argv[2] ?? '127.0.0.1:8100');
const { data, serial } = await storage.load(zeroId).catch((error) => {
  if (error.code !== 'ERR_ZEO_POS_KEY') throw error;
  console.error('There is no root object yet: open the storage once with ZODB.DB');
  process.exit(1);
});
console.log('The root object:', decodeRecord(data).state);
const copy = await storage.newOid();
const tid = await storage.commit({ user: 'anna', description: 'Copy the root' }, async (transaction) => {
  await transaction.checkCurrentSerialInTransaction(zeroId, serial); // as it was read, or not at all
  await transaction.store(copy, zeroId, data);
});
console.log(`Its copy is object ${formatId(copy)}, written by transaction ${formatId(tid)}`);
await storage.close();
