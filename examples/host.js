/**
 * A host in ten lines: opens a ZEO storage and keeps it alive.
 *
 *     node examples/host.js 127.0.0.1:8100
 */
import { databases, startThread } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';

const [address = '127.0.0.1:8100', period = '10'] = process.argv.slice(2);
const storage = databases.open('main', await ClientStorage.open(address));
const agent = startThread(Number(period));

agent?.on('pingSucceeded', ({ roundTripMs }) => console.log(`answered in ${roundTripMs?.toFixed(2)} ms`));
agent?.on('connectionDied', ({ error }) => console.log(`dead: ${error.message}`));
storage.on('connected', ({ address }) => console.log(`connected again to ${address}`));
process.once('SIGINT', () => databases.close('main')); // nothing else keeps the process alive
