/** The ZEO protocol without I/O and without a clock: bytes in, events out, in both roles and both encodings. */

export type { Encoding } from '../encoding/codec.js';
export { type ClientEvent, ClientSession } from './client-session.js';
export { FrameBoundaries } from './frame-boundaries.js';
export type { Protocol } from './greeting.js';
export { peekAnswerId, replyHeadBytes } from './reply-head.js';
export { parseStatus, type RuokEvent, ruokReader, ruokRequest, type ServerStatus } from './ruok.js';
export { type ServerEvent, ServerSession } from './server-session.js';
