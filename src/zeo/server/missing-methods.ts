import { attributeError, typeError, valueError } from '../memory-storage/python-errors.js';
import { type Method, method } from './method.js';

/** As ZODB's file storage without a directory for blobs. Source: ZODB/blob.py, `BlobStorageMixin`. */
function refuseBlob(): never {
  throw typeError('Blobs are not supported');
}

/** Methods of ZEO's server that this one only knows by name: what blobs need, and one that its own does not have either. */
export const missingMethods: Readonly<Record<string, Method>> = {
  storeBlobStart: method('', refuseBlob),
  storeBlobChunk: method('chunk', refuseBlob),
  sendBlob: method('oid serial', refuseBlob),

  storeBlobEnd: method('oid serial data id', (client, args) => {
    client.current(args.any(3));
    return refuseBlob();
  }),

  storeBlobShared: method('oid serial data filename id', (client, args) => {
    client.current(args.any(4));
    // What is no name of a file that the client has put into the shared directory.
    const filename = args.any(3);
    if (typeof filename === 'string' && !/\.tmp.?$/.test(filename)) throw valueError(filename);
    return refuseBlob();
  }),

  new_oid: method('', () => {
    throw attributeError('ZEOStorage', 'new_oid');
  }),
};
