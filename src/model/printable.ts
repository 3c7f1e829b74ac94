/*
 * What came from a peer, a file or the command line may hold anything. Whatever is shown of it goes through here first, so
 * that no character of it steers a terminal or turns the direction of a log line.
 */

/** Controls (also the C1 controls, one of which begins an escape sequence), marks of direction, lone surrogates. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** The text without anything that a terminal would obey; each run of that leaves a `\ufffd`. */
export function printable(text: string): string {
  return text.replace(unprintable, '\ufffd');
}

/**
 * The same for JSON, which stays JSON and keeps its meaning: `JSON.stringify` leaves DEL, the C1 controls and the marks of
 * direction as they are, but only ever within strings, where they can be escaped.
 */
export function printableJson(json: string): string {
  return json.replace(unprintable, (run) => run.split('').map(escapeUnit).join(''));
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The same for bytes, which may be in any encoding: at most `limit` of them, all but printable ASCII as `\xNN`. */
export function printableBytes(bytes: Uint8Array, limit = 40): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, limit)).toString('latin1');
  const shown = text.replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return bytes.length > limit ? `${shown}…` : shown;
}
