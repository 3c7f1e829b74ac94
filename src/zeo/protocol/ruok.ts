import { ProtocolError } from '../../model/errors.js';
import { frameOf } from '../encoding/frame.js';
import { FrameReader } from './frame-reader.js';
import { answerGreeting, type Protocol } from './greeting.js';

/** The longest status that is accepted, in bytes. A server sends a few hundred for each of its storages. */
const maxStatusBytes = 4 * 1024 * 1024;

const request = new TextEncoder().encode('ruok');
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What a server says of each of its storages, by storage id (`ZEO/StorageServer.py: ZEOStorage.ruok`). */
export type ServerStatus = { readonly [storageId: string]: { readonly [name: string]: unknown } };

/** The framed health check, which a client sends instead of its handshake. */
export function ruokRequest(): Uint8Array {
  return frameOf(request);
}

/** Whether a client's first frame is the health check. */
export function isRuok(frame: Uint8Array): boolean {
  return frame.length === request.length && request.every((byte, index) => byte === frame[index]);
}

export type RuokEvent =
  | { readonly type: 'handshake'; readonly protocol: Protocol }
  | { readonly type: 'status'; readonly status: ServerStatus };

/**
 * A reader for what a server sends to a client that asks `ruok`: its greeting, then one JSON message.
 *
 * Its `receive` throws ProtocolError as the sessions' do.
 */
export function ruokReader(): { receive(chunk: Uint8Array, handle: (event: RuokEvent) => void): void } {
  return new FrameReader<RuokEvent>(maxStatusBytes, (frame, isFirst) =>
    isFirst
      ? { type: 'handshake', protocol: answerGreeting(frame) }
      : { type: 'status', status: parseStatus(frame) },
  );
}

/**
 * The status from the one frame that answers `ruok`.
 *
 * @throws ProtocolError when it is no JSON object of objects.
 */
export function parseStatus(frame: Uint8Array): ServerStatus {
  let status: unknown;
  try {
    status = JSON.parse(utf8.decode(frame));
  } catch (cause) {
    throw new ProtocolError('Server status is not valid JSON', { cause });
  }
  if (!isObject(status) || !Object.values(status).every(isObject)) {
    throw new ProtocolError('Server status is not an object for each storage');
  }
  return status as ServerStatus;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
