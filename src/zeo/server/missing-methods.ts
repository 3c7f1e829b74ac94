import { attributeError, typeError, valueError } from '../memory-storage/python-errors.js';
import { type Method, method } from './method.js';

/** As ZODB's file storage without a directory for blobs. Source: ZODB/blob.py, `BlobStorageMixin`. */
function refuseBlob(): never {
  throw typeError('Blobs are not supported');
}

/** Methods that are only known by name: those for blobs, and one that ZEO's own server lists but does not have. */
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
    // The name has to be that of a temporary file in the shared blob directory.
    const filename = args.any(3);
    if (typeof filename === 'string' && !/\.tmp.?$/.test(filename)) throw valueError(filename);
    return refuseBlob();
  }),

  new_oid: method('', () => {
    throw attributeError('ZEOStorage', 'new_oid');
  }),
};
