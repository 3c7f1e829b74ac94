/*
 * Text from a peer, a file or the command line may contain anything. It is made safe here before it is shown, so that it
 * cannot control a terminal or change the direction of a log line.
 */

/** Controls (including the C1 controls, one of which begins an escape sequence), direction marks, lone surrogates. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** The text with each run of characters that could control a terminal replaced by one `\ufffd`. */
export function printable(text: string): string {
  return text.replace(unprintable, '\ufffd');
}

/**
 * The same for JSON, where such characters are escaped and the meaning stays the same: `JSON.stringify` leaves DEL, the C1
 * controls and direction marks as they are, but they only occur within strings.
 */
export function printableJson(json: string): string {
  return json.replace(unprintable, (run) => run.split('').map(escapeUnit).join(''));
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The same for bytes of any encoding: at most `limit` of them, those that are not printable ASCII as `\xNN`. */
export function printableBytes(bytes: Uint8Array, limit = 40): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, limit)).toString('latin1');
  const shown = text.replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return bytes.length > limit ? `${shown}…` : shown;
}
