import type { Value } from '../encoding/values.js';
import type { Arguments } from './arguments.js';
import type { ClientState } from './client-state.js';

/**
 * One method that clients call.
 *
 * @returns the reply, or a promise of it where the client has to wait.
 * @throws ServerError what the client is answered with.
 */
export type Method = (client: ClientState, args: Arguments) => Value | Promise<Value>;
