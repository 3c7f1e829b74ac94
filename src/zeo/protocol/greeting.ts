import { ProtocolError } from '../../model/errors.js';
import { printableBytes } from '../../model/printable.js';
import type { Encoding } from '../encoding/codec.js';

/** The only version of the protocol that is alive: ZEO 5 and 6 speak it. */
export const protocolVersion = '5';

/** The longest first frame of a peer that speaks ZEO, in bytes: `Z5`, `Z3101`, `ruok`. */
export const maxGreetingBytes = 10;

/** How many bytes of a first frame that is none are shown, and therefore looked at. */
export const maxShownBytes = 40;

/** The protocol as the greeting names it. */
export type Protocol = `${Encoding}${typeof protocolVersion}`;

const greetingText = /^([A-Z])(\d[\x21-\x7e]*)$/;

/**
 * What the client answers to a server's greeting: its encoding, and the lower of the two versions, compared as
 * byte strings (`ZEO/asyncio/client.py: finish_connection`).
 *
 * @throws ProtocolError `ERR_ZEO_NOT_ZEO`, or `ERR_ZEO_PROTOCOL_VERSION` that names both versions.
 */
export function answerGreeting(frame: Uint8Array): Protocol {
  const { encoding, version, text } = parseGreeting(frame);
  // Byte strings compare as text does here, because the greeting is ASCII. So 10 is older than 5, as in ZEO.
  if (version < protocolVersion) {
    throw unsupported(
      `Server speaks ZEO protocol ${text}, too old for this client, which speaks version 5 (Z5, M5)`,
    );
  }
  if (encoding !== 'Z' && encoding !== 'M') {
    throw unsupported(
      `Server speaks ZEO protocol ${text}, whose encoding this client does not know (Z5, M5)`,
    );
  }
  return `${encoding}${protocolVersion}`;
}

/**
 * Checks a client's answer to a greeting.
 *
 * @throws ProtocolError `ERR_ZEO_NOT_ZEO`, or `ERR_ZEO_PROTOCOL_VERSION` when it is not what was announced.
 */
export function checkAnswer(frame: Uint8Array, announced: Protocol): void {
  const { text } = parseGreeting(frame);
  if (text !== announced) {
    throw unsupported(`Client answered with ZEO protocol ${text}, announced was ${announced}`);
  }
}

function parseGreeting(frame: Uint8Array): { encoding: string; version: string; text: string } {
  const text = printableBytes(frame);
  const match = greetingText.exec(text);
  if (match === null) throw notZeo(frame, 'its first frame is not a greeting');
  return { encoding: match[1] as string, version: match[2] as string, text };
}

/**
 * The error for a first frame that cannot be a greeting, from its length prefix on.
 *
 * The prefix alone tells most protocols: a ZEO greeting starts with three zero bytes.
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
