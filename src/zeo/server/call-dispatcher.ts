import { KeepAliveError, ProtocolError } from '../../model/errors.js';
import { ServerError } from '../../zodb/pos-exception.js';
import type { MessageId, Value } from '../encoding/values.js';
import { valueError } from '../memory-storage/python-errors.js';
import { Arguments } from './arguments.js';
import type { ClientState } from './client-state.js';
import { methods, methodsBeforeRegistration } from './methods.js';

/** A call as received. */
export interface IncomingCall {
  readonly id: MessageId;
  /** The client expects no reply. */
  readonly oneWay: boolean;
  readonly method: string;
  readonly args: readonly Value[];
}

/** Receives the outcome of each call. */
export interface Replies {
  reply(id: MessageId, value: Value): void;
  error(id: MessageId, error: ServerError): void;
  /** Ends the connection of a client that broke the protocol. */
  drop(error: ProtocolError): void;
}

/**
 * Performs calls and routes their outcome. Source: ZEO/asyncio/server.py, `ServerProtocol.message_received`.
 *
 * - Before its registration a client may only register, and afterwards never again.
 * - An unknown method ends the connection.
 * - An error in a one-way call ends it as well: there is no other way to report it.
 */
export class CallDispatcher {
  readonly #client: ClientState;
  readonly #replies: Replies;

  constructor(client: ClientState, replies: Replies) {
    this.#client = client;
    this.#replies = replies;
  }

  dispatch(call: IncomingCall): void {
    try {
      const value = this.#perform(call);
      if (value instanceof Promise) {
        value.then((later) => this.#answer(call, later)).catch((error) => this.#fail(call, error));
      } else {
        this.#answer(call, value);
      }
    } catch (error) {
      this.#fail(call, error);
    }
  }

  #perform({ method, args }: IncomingCall): Value | Promise<Value> {
    const { isRegistered } = this.#client;
    const known = (isRegistered ? methods : methodsBeforeRegistration).get(method);
    if (known === undefined) {
      const reason = isRegistered ? 'Unknown or repeated call' : 'Call before the registration';
      throw new ProtocolError(`${reason}: ${method.slice(0, 100)}`);
    }
    return known.perform(this.#client, new Arguments(method, known, args));
  }

  #answer(call: IncomingCall, value: Value): void {
    if (call.oneWay) return;
    try {
      this.#replies.reply(call.id, value);
    } catch (error) {
      // E.g. a value that a transaction brought in the other encoding.
      if (!(error instanceof KeepAliveError) || error.code !== 'ERR_ZEO_INVALID_ARGUMENT') throw error;
      throw valueError("Couldn't pickle response");
    }
  }

  #fail(call: IncomingCall, error: unknown): void {
    if (error instanceof ProtocolError) {
      this.#replies.drop(error);
    } else if (call.oneWay) {
      this.#replies.drop(new ProtocolError(`One-way call failed: ${call.method}`, { cause: error }));
    } else {
      this.#answerError(call, error instanceof ServerError ? error : internalError(error));
    }
  }

  #answerError(call: IncomingCall, error: ServerError): void {
    try {
      this.#replies.error(call.id, error);
    } catch (cause) {
      // Not even the error can be encoded, e.g. when it names an id that only the other encoding can carry.
      this.#replies.drop(new ProtocolError(`No answer can be given: ${call.method}`, { cause }));
    }
  }
}

/** A bug of this server must not leave the client without an answer. */
function internalError(error: unknown): ServerError {
  return new ServerError('builtins.RuntimeError', [String(error)]);
}
