import { KeepAliveError } from '../../model/errors.js';
import { maxDepth } from '../../pickle/limits.js';
import type { Value } from './values.js';

const loneSurrogate = /\p{Surrogate}/u;

/** The error for a value that the encoding cannot carry. */
export function cannotEncode(what: string): KeepAliveError {
  return new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', `Cannot encode ${what}`);
}

/** @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` beyond the depth that may nest, as every cycle does. */
export function assertDepth(depth: number): void {
  if (depth > maxDepth) throw cannotEncode(`containers nested deeper than ${maxDepth} levels`);
}

/**
 * Accepts objects that are written as a dict.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for an instance of a class, a function or a symbol.
 */
export function assertPlainObject(value: object): asserts value is { readonly [key: string]: Value } {
  if (typeof value === 'object') {
    const prototype = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Object.prototype) return;
    throw cannotEncode(`an instance of ${prototype.constructor?.name ?? 'a class'}`);
  }
  throw cannotEncode(`a ${typeof value}`);
}

/** @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for a lone surrogate: it has no UTF-8. */
export function assertWellFormed(text: string): void {
  if (loneSurrogate.test(text)) throw cannotEncode('text with a lone surrogate');
}

/** The error for an outgoing message that exceeds the limit of a frame. */
export function frameTooLarge(length: number, maxFrameBytes: number): KeepAliveError {
  return new KeepAliveError(
    'ERR_ZEO_FRAME_TOO_LARGE',
    `Message of ${length} bytes, the limit is ${maxFrameBytes}`,
  );
}
