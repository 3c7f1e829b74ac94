/**
 * The beginnings of the log lines that an event of the agent accompanies. Whoever shows the events, as `watch` does, leaves
 * these lines out.
 */
export const pingLine = 'Keep alive for';
export const connectionLine = 'Connection for';
export const threadLine = 'Exception in keep alive thread';
export const stallLines = { loop: 'The main loop was blocked', process: 'This process did not run' } as const;

/** Whether the agent also emits an event about what this warning or error says. */
export function accompaniesEvent(fields: object, message: string): boolean {
  // An exception in the loop has the same line as the loss of its thread, but no event.
  if (message.startsWith(threadLine)) return 'retryInMs' in fields;
  const beginnings = [pingLine, connectionLine, stallLines.loop, stallLines.process];
  return beginnings.some((beginning) => message.startsWith(`${beginning} `));
}
