import type { ZeoServer } from 'zeo-keepalive/testing';

/** Has a server tell its clients that it was pinged twice: it commits something then. Returns the calls so far. */
export function tellPings(server: ZeoServer): readonly string[] {
  const calls: string[] = [];
  server.on('call', ({ method }) => {
    calls.push(method);
    // The first one is part of connecting.
    if (calls.filter((name) => name === 'get_info').length === 3) {
      server.storage().commit([{ oid: new Uint8Array(8), data: Buffer.from('x') }]);
    }
  });
  return calls;
}
