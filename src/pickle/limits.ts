/**
 * How much memory a peer may make us use. Each limit is checked before memory is allocated, and is far above what a ZEO
 * peer sends: the deepest value in the protocol nests 6 levels.
 */

/** Default for the length of one frame, in bytes. The largest legitimate ones carry one object record. */
export const defaultMaxFrameBytes = 128 * 1024 * 1024;

/** How deep containers may nest, received or sent; consumers may therefore recurse. */
export const maxDepth = 100;

/** Maximum number of values in a message or a record. In a message, shared values count as often as they are reached. */
export const maxValues = 4_194_304;

/** A dict or another object counts as this many values: an empty one costs its sender one byte and us hundreds. */
export const objectCost = 8;

/**
 * A byte string, or a class by its name, counts as this many values: either takes about a hundred bytes of memory, but as few
 * as two of a message. {@link maxValues} leaves room for a list of a million ids.
 */
export const bytesCost = 4;

/**
 * How much a pickle may repeat by reference: at most this many times its own length, plus {@link freeRepetition}. Texts,
 * keys, bytes and class names count by their length; a reference to one takes two bytes, whatever its length.
 */
export const maxRepetition = 4;

/** See {@link maxRepetition}. In characters or bytes. */
export const freeRepetition = 64 * 1024;

/** The longest integer, in bytes of two's complement. Python's `int` has no limit; transaction ids have 8. */
export const maxIntegerBytes = 1024;
