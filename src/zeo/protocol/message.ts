import { ProtocolError } from '../../model/errors.js';
import { type ServerError, serverError } from '../../zodb/pos-exception.js';
import { type MessageId, PythonException, type Value } from '../encoding/values.js';

/** The method of every reply, and of the Python client's heartbeat. */
export const replyMethod = '.reply';

/** The flags of an error reply (`ZEO/asyncio/server.py: send_error`). */
export const errorFlags = 2;

/** The message id of the Python client's heartbeat, which wants no answer. */
export const heartbeatId = -1;

/** What every frame after the handshake holds: the 4-tuple `(msgid, flags, method, args)`. */
export interface Message {
  readonly id: MessageId;
  readonly flags: number | boolean;
  readonly method: string;
  /** The arguments of a call, or the bare value of a reply. */
  readonly args: Value;
}

/** @throws ProtocolError when the value is not a message. */
export function toMessage(value: Value): Message {
  if (!Array.isArray(value) || value.length !== 4) throw new ProtocolError('Message is not a tuple of four');
  const [id, flags, method, args] = value as [Value, Value, Value, Value];
  if (!isMessageId(id))
    throw new ProtocolError('Message has an id that is neither an integer nor a pair of bytes');
  if (typeof flags !== 'boolean' && typeof flags !== 'number') {
    throw new ProtocolError('Malformed message: flags must be a number');
  }
  if (typeof method !== 'string') throw new ProtocolError('Malformed message: the method must be text');
  return { id, flags, method, args };
}

function isMessageId(id: Value): boolean {
  if (typeof id === 'number') return Number.isSafeInteger(id);
  return Array.isArray(id) && id.length === 2 && id[0] instanceof Uint8Array && id[1] instanceof Uint8Array;
}

/** Whether the flags are those of a call that wants no reply. */
export function isOneWay({ flags }: Message): boolean {
  return flags === true || flags === 1;
}

/** @throws ProtocolError when the arguments of a call are no tuple. */
export function callArguments({ method, args }: Message): readonly Value[] {
  if (!Array.isArray(args))
    throw new ProtocolError(`Call of ${JSON.stringify(method.slice(0, 40))} without a tuple`);
  return args;
}

/**
 * The exception of an error reply, or `undefined` when the reply is a value
 * (`ZEO/asyncio/client.py: message_received`).
 *
 * @throws ProtocolError for a reply that is neither.
 */
export function replyError({ flags, args }: Message): ServerError | undefined {
  if (flags === errorFlags) {
    if (!Array.isArray(args) || args.length !== 2 || typeof args[0] !== 'string') {
      throw new ProtocolError('Error reply without a class name and arguments');
    }
    return serverError(args[0], args[1]);
  }
  if (flags !== 0 && flags !== false) throw new ProtocolError(`Reply with unknown flags ${flags}`);
  return raisedException(args);
}

/** ZEO 4's form, which ZEO 5 clients still understand: the exception's class, and the instance. */
function raisedException(args: Value): ServerError | undefined {
  if (!Array.isArray(args) || args.length < 2) return undefined;
  const [cls, instance] = args as [Value, Value];
  if (!(cls instanceof PythonException) || !(instance instanceof PythonException)) return undefined;
  // The attributes say more than an empty argument tuple: a ConflictError has nothing else.
  const hasArgs = instance.args.length > 0 || instance.state === null;
  return serverError(instance.className, hasArgs ? instance.args : instance.state);
}
