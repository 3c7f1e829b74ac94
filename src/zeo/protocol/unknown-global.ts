import { ProtocolError } from '../../errors.js';

/**
 * A pickle names what is not read here, such as a class in a transaction's extension that a Python program has put there.
 * The frame itself is sound: only what it was the reply to has failed.
 */
export class UnknownGlobal extends ProtocolError {
  constructor(dotted: string) {
    super(`Pickle names a global that is not allowed: ${JSON.stringify(dotted.slice(0, 200))}`);
  }
}
