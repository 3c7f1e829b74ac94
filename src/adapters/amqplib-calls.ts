/* The calls of a channel of `amqplib` that wait for an answer. */

type Reply = (error: unknown, ...rest: unknown[]) => void;

/** What a channel waits for, since version 0.5. That of the connection itself has none of it. */
export interface ChannelCalls {
  reply?: Reply | null;
  readonly pending?: readonly { reply: Reply }[] | null;
  /** The callbacks of publishers; `null` when the message is confirmed. */
  readonly unconfirmed?: (Reply | false | null)[];
}

/** Has the calls of a channel reject with this error rather than with its own, which does not say why it was closed. */
export function rejectWith(error: Error, channel: ChannelCalls): void {
  const wrap =
    (reply: Reply): Reply =>
    (given, ...rest) =>
      reply(given instanceof Error ? error : given, ...rest);
  const { reply, pending, unconfirmed = [] } = channel;
  if (reply) channel.reply = wrap(reply);
  for (const call of pending ?? []) call.reply = wrap(call.reply);
  for (const [index, confirm] of unconfirmed.entries()) if (confirm) unconfirmed[index] = wrap(confirm);
}
