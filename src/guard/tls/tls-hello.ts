/* The beginning of a TLS handshake, by which a server shows that it is there: without a certificate there is no more. */
import type { Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { connect } from 'node:tls';
import { ClientDisconnected, ProtocolError } from '../../model/errors.js';
import { printableBytes } from '../../model/printable.js';
import { type Address, formatAddress } from '../../zeo/connection/address.js';
import { closeReason, openSocket, socketFailure } from '../../zeo/connection/socket.js';

const handshakeRecord = 0x16;
const alertRecord = 0x15;
const clientHelloMessage = 1;
/** Of a record, the last two its length. */
const headerBytes = 5;
/** Of what follows the header. */
const mostBytes = 2 ** 14;
/** Of every version: TLS 1.0 to 1.3. */
const majorVersion = 3;

/** Whether bytes are the beginning of a TLS handshake, as far as they go. */
export function isHello(bytes: Uint8Array): boolean {
  return isRecord(bytes, [handshakeRecord]);
}

/** Whether all of the first record is there, or more than a record may have. */
export function isWholeRecord(bytes: Buffer): boolean {
  return (
    bytes.length >= headerBytes && bytes.length >= headerBytes + Math.min(bytes.readUInt16BE(3), mostBytes)
  );
}

/** The random bytes of a client's hello, if its first record has all of them. */
export function randomOf(hello: Buffer): Buffer | undefined {
  // The headers of the record and of the message, and the version, come before them.
  const random = hello.subarray(11, 43);
  return hello[headerBytes] === clientHelloMessage && random.length === 32 ? random : undefined;
}

function isRecord([type, version = majorVersion]: Uint8Array, types: readonly number[]): boolean {
  return type !== undefined && types.includes(type) && version === majorVersion;
}

/** What a client of this Node begins a handshake with: one record. */
async function clientHello(): Promise<Uint8Array> {
  const written = new PassThrough();
  const wire = Duplex.from({ readable: new PassThrough(), writable: written });
  const client = connect({ socket: wire, rejectUnauthorized: false }).on('error', () => {});
  try {
    let hello = Buffer.alloc(0);
    for await (const chunk of written) {
      hello = Buffer.concat([hello, chunk]);
      if (isWholeRecord(hello)) break;
    }
    return hello;
  } finally {
    client.destroy();
  }
}

/**
 * Connects to a server, begins a TLS handshake and waits until the server has answered that, with an alert at least. The
 * connection then ends.
 *
 * @param onSent called when the beginning was written
 * @throws ProtocolError `ERR_ZEO_TLS` for an answer in another protocol; ClientDisconnected; `signal.reason`
 */
export async function probeTls(
  address: Address,
  signal: AbortSignal,
  onSent?: (socket: Socket) => void,
): Promise<void> {
  const hello = await clientHello();
  const socket = await openSocket(address, {}, signal);
  const answered = answerOf(socket, formatAddress(address), signal);
  try {
    socket.write(hello);
    onSent?.(socket);
    await answered;
  } finally {
    socket.destroy();
  }
}

function answerOf(socket: Socket, name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const isSilent = true;
    socket
      .on('error', (error) => reject(socketFailure(socket, name, error, isSilent)))
      .once('end', () => {
        const why = closeReason(socket, isSilent);
        reject(new ClientDisconnected(`${name} did not answer a TLS handshake: ${why}`));
      })
      .once('data', (answer) => {
        if (isRecord(answer, [handshakeRecord, alertRecord])) resolve();
        else reject(notTls(`Cannot speak TLS with ${name}`, answer));
      })
      .once('close', () => signal.removeEventListener('abort', onAbort));
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** An error about a peer that speaks another protocol. */
export function notTls(problem: string, received: Uint8Array): ProtocolError {
  const message = `${problem}: expected a TLS handshake; received "${printableBytes(received)}"`;
  return new ProtocolError(message, { code: 'ERR_ZEO_TLS' });
}
