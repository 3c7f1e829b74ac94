import { readFileSync } from 'node:fs';
import type { Value } from '#src/zeo/encoding/values.js';

/** One message that ZEO's own client or server sent. */
export interface RecordedFrame {
  readonly connection: number;
  readonly from: 'client' | 'server';
  readonly payload: Uint8Array;
  /** The decoded message; a string for a greeting, `ruok` and its answer. */
  readonly value: Value;
}

export const recordings = ['z5.jsonl', 'm5.jsonl', 'z5-read-only-server.jsonl'] as const;

// From dist/test/protocol to the root of the checkout.
const directory = new URL('../../../../test/data/zeo-wire/', import.meta.url);

export function recordedFrames(name: (typeof recordings)[number]): RecordedFrame[] {
  const lines = readFileSync(new URL(name, directory), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const { conn, dir, hex, value } = JSON.parse(line);
    return { connection: conn, from: dir, payload: fromHex(hex), value: normalized(value) };
  });
}

/** Recorded frames by connection, in the order they were sent. */
export function conversations(name: (typeof recordings)[number]): RecordedFrame[][] {
  const frames = recordedFrames(name);
  const connections = new Set(frames.map((frame) => frame.connection));
  return [...connections].map((connection) => frames.filter((frame) => frame.connection === connection));
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function normalized(json: unknown): Value {
  if (typeof json !== 'object' || json === null) return json as Value;
  if (Array.isArray(json)) return json.map(normalized);
  const [kind, content] = Object.entries(json)[0] as [string, never];
  switch (kind) {
    case 'tuple':
      return (content as unknown[]).map(normalized);
    case 'bytes':
      return fromHex(content);
    case 'dict':
      return Object.assign(
        Object.create(null),
        Object.fromEntries((content as [string, unknown][]).map(([key, item]) => [key, normalized(item)])),
      );
    default:
      throw new Error(`Unknown kind of recorded value: ${kind}`);
  }
}
