// The embedded server in a process of its own: `embedded-server.js [port]`. Writes its address, and ends with its parent.
import { ZeoServer } from 'zeo-keepalive/testing';

const server = await ZeoServer.listen({ port: Number(process.argv[2] ?? 0) });
server.storage().commit([{ oid: new Uint8Array(8), data: Buffer.from('root') }]);
process.stdout.write(`${server.address}\n`);
process.stdin.on('end', () => process.exit()).resume();
