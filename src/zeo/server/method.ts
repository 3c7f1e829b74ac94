import type { Value } from '../encoding/values.js';
import type { Arguments, Signature } from './arguments.js';
import type { ClientState } from './client-state.js';

/**
 * Performs a call of a method.
 *
 * @returns the reply, or a promise of it where the client has to wait.
 * @throws ServerError the client's answer.
 */
export type Perform = (client: ClientState, args: Arguments) => Value | Promise<Value>;

/** A method that clients call. */
export interface Method extends Signature {
  readonly perform: Perform;
}

/** @param signature the names of the arguments, those that may be left out with a `?`: `'oid size?'` */
export function method(signature: string, perform: Perform): Method {
  const names = signature.split(' ').filter((name) => name !== '');
  return {
    parameters: names.map((name) => name.replace('?', '')),
    required: names.filter((name) => !name.endsWith('?')).length,
    perform,
  };
}
