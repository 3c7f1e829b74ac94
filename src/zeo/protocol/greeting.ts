import { ProtocolError } from '../../model/errors.js';
import { printableBytes } from '../../model/printable.js';
import type { Encoding } from '../encoding/codec.js';

/** The only version of the protocol in use: ZEO 5 and 6 speak it. */
export const protocolVersion = '5';

/** The longest first frame of a peer that speaks ZEO, in bytes: `Z5`, `Z3101`, `ruok`. */
export const maxGreetingBytes = 10;

/** How many bytes of an invalid first frame are shown in an error. */
export const maxShownBytes = 40;

/** The protocol as the greeting names it. */
export type Protocol = `${Encoding}${typeof protocolVersion}`;

const greetingText = /^([A-Z])(\d[\x21-\x7e]*)$/;

/**
 * The client's reply to a server's greeting: its encoding, and the lower of the two versions, compared as byte strings
 * (`ZEO/asyncio/client.py: finish_connection`).
 *
 * @throws ProtocolError `ERR_ZEO_NOT_ZEO`, or `ERR_ZEO_PROTOCOL_VERSION`, naming both versions
 */
export function answerGreeting(frame: Uint8Array): Protocol {
  const { encoding, version, text } = parseGreeting(frame);
  // The greeting is ASCII, so strings compare like byte strings. Version 10 is lower than 5, as in ZEO.
  if (version < protocolVersion) {
    throw unsupported(
      `Unsupported ZEO protocol: expected version 5 (Z5 or M5); the server announced ${text}, which is too old`,
    );
  }
  if (encoding !== 'Z' && encoding !== 'M') {
    throw unsupported(
      `Unsupported ZEO protocol: expected encoding Z or M (Z5 or M5); the server announced ${text}`,
    );
  }
  return `${encoding}${protocolVersion}`;
}

/**
 * Checks a client's reply to a greeting.
 *
 * @throws ProtocolError `ERR_ZEO_NOT_ZEO`, or `ERR_ZEO_PROTOCOL_VERSION` if it is not the announced protocol
 */
export function checkAnswer(frame: Uint8Array, announced: Protocol): void {
  const { text } = parseGreeting(frame);
  if (text !== announced) {
    throw unsupported(
      `Unexpected ZEO protocol: expected ${announced}, as announced; the client replied ${text}`,
    );
  }
}

function parseGreeting(frame: Uint8Array): { encoding: string; version: string; text: string } {
  const text = printableBytes(frame);
  const match = greetingText.exec(text);
  if (match === null) throw notZeo(frame, 'its first frame is not a greeting');
  return { encoding: match[1] as string, version: match[2] as string, text };
}

/**
 * The error for a first frame that cannot be a greeting.
 *
 * @param stream its first bytes, including the length prefix. Those four bytes alone identify most other protocols: a ZEO
 *   greeting starts with three zero bytes.
 */
export function foreignPeer(stream: Uint8Array): ProtocolError {
  return notZeo(stream, describe(stream));
}

function describe(stream: Uint8Array): string {
  const text = printableBytes(stream.subarray(0, 4));
  if (text === 'HTTP') return 'this looks like an HTTP server';
  if (/^(?:GET |POST|HEAD|PUT |OPTI|CONN|PRI )/.test(text)) return 'this looks like an HTTP client';
  if (text.startsWith('SSH-')) return 'this looks like SSH';
  if (isTls(stream, 0x15)) return 'this looks like a TLS alert: the peer expects TLS';
  if (isTls(stream, 0x16)) return 'this looks like a TLS handshake: the peer expects TLS';
  if (stream.length >= 4 && /^[\x20-\x7e]{4}$/.test(text)) return 'this looks like a protocol of text lines';
  return 'the first frame is too long for a greeting';
}

function isTls(stream: Uint8Array, contentType: number): boolean {
  return stream[0] === contentType && stream[1] === 3 && (stream[2] as number) <= 4;
}

function notZeo(shown: Uint8Array, looks: string): ProtocolError {
  return new ProtocolError(
    `Peer does not speak ZEO, ${looks}: received "${printableBytes(shown, maxShownBytes)}"`,
    {
      code: 'ERR_ZEO_NOT_ZEO',
    },
  );
}

function unsupported(message: string): ProtocolError {
  return new ProtocolError(message, { code: 'ERR_ZEO_PROTOCOL_VERSION' });
}
