import type { Attributes } from '@opentelemetry/api';
import { isError } from '../model/errors.js';
import { attempt } from '../model/target.js';
import { redactText } from './redaction.js';

/** The attributes of the connection that an event is about; names are redacted as in the log. */
export function connectionAttributes(name: string, address: string | undefined): Attributes {
  // A watched socket is named after its destination, which may have any number of addresses.
  const server = name.startsWith('tcp ') ? name.slice('tcp '.length) : address;
  return {
    // A host may use a URI with a password as a name.
    'zeo_keepalive.connection.name': redactText(name),
    ...(server === undefined ? undefined : serverAttributes(redactText(server))),
  };
}

/** @param server `HOST:PORT`, `[IPV6]:PORT`, or the path of a unix socket */
function serverAttributes(server: string): Attributes {
  const [, ipv6, host, port] = /^(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(server) ?? [];
  if (port === undefined) return { 'server.address': server };
  return { 'server.address': ipv6 ?? host, 'server.port': Number(port) };
}

const identifier = /^[\w.-]{1,64}$/;

/** The `error.type` of whatever was thrown: its code, or else its class, but no text that a server may have chosen freely. */
export function errorType(error: unknown): string {
  if (!isError(error)) return '_OTHER';
  const names = [attempt(() => (error as { code?: unknown }).code), attempt(() => error.name)];
  const known = names.find((name) => typeof name === 'string' && identifier.test(name));
  return (known as string | undefined) ?? '_OTHER';
}
