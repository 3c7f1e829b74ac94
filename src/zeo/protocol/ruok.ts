import { ProtocolError } from '../../model/errors.js';
import { mismatch } from '../../model/option-check.js';
import { frameOf } from '../encoding/frame.js';
import { FrameReader } from './frame-reader.js';
import { answerGreeting, type Protocol } from './greeting.js';

/** The longest accepted status, in bytes. A server sends a few hundred per storage. */
const maxStatusBytes = 4 * 1024 * 1024;

const request = new TextEncoder().encode('ruok');
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The status of each storage of a server, by storage id (`ZEO/StorageServer.py: ZEOStorage.ruok`). */
export type ServerStatus = { readonly [storageId: string]: { readonly [name: string]: unknown } };

/** The framed health check, which a client sends instead of a handshake reply. */
export function ruokRequest(): Uint8Array {
  return frameOf(request);
}

/** Whether a client's first frame is the health check. */
export function isRuok(frame: Uint8Array): boolean {
  return frame.length === request.length && request.every((byte, index) => byte === frame[index]);
}

/** What a server sends to a health check, in order. */
export type RuokEvent =
  | { readonly type: 'handshake'; readonly protocol: Protocol }
  | { readonly type: 'status'; readonly status: ServerStatus };

/**
 * A reader for the response to `ruok`: the server's greeting, then one JSON message.
 *
 * Its `receive` throws ProtocolErrors, as those of the sessions do.
 */
export function ruokReader(): { receive(chunk: Uint8Array, handle: (event: RuokEvent) => void): void } {
  return new FrameReader<RuokEvent>(maxStatusBytes, (frame, isFirst) =>
    isFirst
      ? { type: 'handshake', protocol: answerGreeting(frame) }
      : { type: 'status', status: parseStatus(frame) },
  );
}

/**
 * Parses the frame that answers `ruok`.
 *
 * @throws ProtocolError if it is not a JSON object of objects
 */
export function parseStatus(frame: Uint8Array): ServerStatus {
  let status: unknown;
  try {
    status = JSON.parse(utf8.decode(frame));
  } catch (cause) {
    throw new ProtocolError('Malformed server status: expected JSON', { cause });
  }
  if (!isObject(status) || !Object.values(status).every(isObject)) {
    throw new ProtocolError(mismatch('Malformed server status', 'an object for each storage', status));
  }
  return status as ServerStatus;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
