import { ProtocolError } from '../../model/errors.js';
import { mismatch } from '../../model/option-check.js';
import { type ServerError, serverError } from '../../zodb/pos-exception.js';
import { type MessageId, PythonException, type Value } from '../encoding/values.js';

/** The method of every reply, and of the Python client's heartbeat. */
export const replyMethod = '.reply';

/** The flags of an error reply (`ZEO/asyncio/server.py: send_error`). */
export const errorFlags = 2;

/** The message id of the Python client's heartbeat, which gets no reply. */
export const heartbeatId = -1;

/** The content of every frame after the handshake: the 4-tuple `(msgid, flags, method, args)`. */
export interface Message {
  readonly id: MessageId;
  readonly flags: number | boolean;
  readonly method: string;
  /** The arguments of a call, or the bare value of a reply. */
  readonly args: Value;
}

/** @throws ProtocolError if the value is not a message */
export function toMessage(value: Value): Message {
  if (!Array.isArray(value) || value.length !== 4)
    throw new ProtocolError(mismatch('Malformed message', 'a tuple of four', value));
  const [id, flags, method, args] = value as [Value, Value, Value, Value];
  if (!isMessageId(id))
    throw new ProtocolError(mismatch('Malformed message id', 'an integer or a pair of bytes', id));
  if (typeof flags !== 'boolean' && typeof flags !== 'number') {
    throw new ProtocolError(mismatch('Malformed message flags', 'a number', flags));
  }
  if (typeof method !== 'string')
    throw new ProtocolError(mismatch('Malformed message method', 'a string', method));
  return { id, flags, method, args };
}

function isMessageId(id: Value): boolean {
  if (typeof id === 'number') return Number.isSafeInteger(id);
  return Array.isArray(id) && id.length === 2 && id[0] instanceof Uint8Array && id[1] instanceof Uint8Array;
}

/** Whether the flags are those of a one-way call. */
export function isOneWay({ flags }: Message): boolean {
  return flags === true || flags === 1;
}

/** @throws ProtocolError if the arguments of a call are not a tuple */
export function callArguments({ method, args }: Message): readonly Value[] {
  if (!Array.isArray(args))
    throw new ProtocolError(
      mismatch(`Malformed arguments of ${JSON.stringify(method.slice(0, 40))}`, 'a tuple', args),
    );
  return args;
}

/**
 * The exception of an error reply; `undefined` if the reply is a value
 * (`ZEO/asyncio/client.py: message_received`).
 *
 * @throws ProtocolError for a malformed reply
 */
export function replyError({ flags, args }: Message): ServerError | undefined {
  if (flags === errorFlags) {
    if (!Array.isArray(args) || args.length !== 2 || typeof args[0] !== 'string') {
      throw new ProtocolError(mismatch('Malformed error reply', 'a class name and arguments', args));
    }
    return serverError(args[0], args[1]);
  }
  if (flags !== 0 && flags !== false)
    throw new ProtocolError(mismatch('Malformed reply flags', `0, false or ${errorFlags}`, flags));
  return raisedException(args);
}

/** The form of ZEO 4, which ZEO 5 clients still understand: the class of the exception, and the instance. */
function raisedException(args: Value): ServerError | undefined {
  if (!Array.isArray(args) || args.length < 2) return undefined;
  const [cls, instance] = args as [Value, Value];
  if (!(cls instanceof PythonException) || !(instance instanceof PythonException)) return undefined;
  // The attributes instead of an empty argument tuple: a ConflictError has nothing else.
  const hasArgs = instance.args.length > 0 || instance.state === null;
  return serverError(instance.className, hasArgs ? instance.args : instance.state);
}
