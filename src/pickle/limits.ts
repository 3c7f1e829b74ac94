/**
 * What a peer may make us hold. Each limit is checked before the memory is taken, and each is far above what
 * a ZEO peer sends: the deepest value on this wire nests 6 levels.
 */

/** Default for the length of one frame, in bytes. The largest legitimate ones carry one object record. */
export const defaultMaxFrameBytes = 128 * 1024 * 1024;

/** How deep containers may nest, in either direction; consumers may therefore recurse. */
export const maxDepth = 100;

/** How many values one message, or one record, may hold; shared ones count as often as they are reached. */
export const maxValues = 4_194_304;

/** What a dict or another object counts as, in values: an empty one costs its sender one byte, and us hundreds. */
export const objectCost = 8;

/**
 * What a byte string counts as, and a class by its name: either takes about a hundred bytes here, and a message may need two
 * for it. {@link maxValues} leaves room for a list of a million ids.
 */
export const bytesCost = 4;

/**
 * How much one pickle may repeat by reference: its texts, keys, bytes and class names count by their length. So many
 * times the pickle's own length, and {@link freeRepetition} beside. A reference takes two bytes, whatever it refers to.
 */
export const maxRepetition = 4;

/** See {@link maxRepetition}. In characters and bytes. */
export const freeRepetition = 64 * 1024;

/** The longest integer, in bytes of two's complement. Python's `int` has no limit; transaction ids have 8. */
export const maxIntegerBytes = 1024;
