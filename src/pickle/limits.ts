/**
 * What a peer may make us hold. Each limit is checked before the memory is taken, and each is far above what
 * a ZEO peer sends: the deepest value on this wire nests 6 levels.
 */

/** Default for the length of one frame, in bytes. The largest legitimate ones carry one object record. */
export const defaultMaxFrameBytes = 128 * 1024 * 1024;

/** How deep containers may nest, in either direction; consumers may therefore recurse. */
export const maxDepth = 100;

/**
 * How many values one message may hold, shared ones counted as often as they are reached.
 * A dict counts {@link dictCost} times, because an empty one costs its sender one byte and us hundreds.
 */
export const maxValues = 4_194_304;

/** See {@link maxValues}. */
export const dictCost = 8;

/**
 * A byte string counts so many times, and a class by its name, because of either we keep about a hundred bytes, and a
 * message may have two for it. See {@link maxValues}, which leaves room for a list of a million ids.
 */
export const objectCost = 4;

/**
 * How much one pickle may repeat by reference: its texts, keys, bytes and class names count by their length. So many
 * times the pickle's own length, and {@link freeRepetition} beside. A reference takes two bytes, whatever it refers to.
 */
export const maxRepetition = 4;

/** See {@link maxRepetition}. In characters and bytes. */
export const freeRepetition = 64 * 1024;

/** The longest integer, in bytes of two's complement. Python's `int` has no limit; transaction ids have 8. */
export const maxIntegerBytes = 1024;
