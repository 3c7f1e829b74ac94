import fc from 'fast-check';
import { codecs } from '#src/zeo/encoding/codec.js';
import type { Value } from '#src/zeo/encoding/values.js';
import { frame } from '../zeo/protocol/byte-builder.js';

export const encodings = ['Z', 'M'] as const;
export type EncodingName = (typeof encodings)[number];

export function messageOf(encoding: EncodingName, ...message: Value[]): Uint8Array {
  return codecs[encoding].encodeFrame(message, 100_000);
}

/** Frames of any content, most of them short, some empty. */
export const frames = fc
  .array(fc.uint8Array({ maxLength: 80, size: 'max' }), { maxLength: 8 })
  .map((payloads) => payloads.map(frame));

/** Where a stream is cut. */
export const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40, size: 'max' });

export function joined(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts);
}
