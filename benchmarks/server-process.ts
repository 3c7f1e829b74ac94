// The embedded server in a process of its own, so that its cost is not counted. Prints its address.
import { ZeoServer } from 'zeo-keepalive/testing';

const server = await ZeoServer.listen({ encoding: process.argv[2] === 'M5' ? 'M5' : 'Z5' });
process.send?.(server.address);
process.on('disconnect', () => process.exit());
