import type { ZeoServer } from 'zeo-keepalive/testing';

/** Makes a server commit, and so notify its clients, once it has been pinged twice. Returns the methods called, live. */
export function commitAfterPings(server: ZeoServer): readonly string[] {
  const calls: string[] = [];
  server.on('call', ({ method }) => {
    calls.push(method);
    // The first call is part of connecting.
    if (calls.filter((name) => name === 'get_info').length === 3) {
      server.storage().commit([{ oid: new Uint8Array(8), data: Buffer.from('x') }]);
    }
  });
  return calls;
}
