import { op } from '../zeo/protocol/pickle-opcode.js';

/** The opcodes that records have beside those of the protocol's messages, by the names of Python's `pickletools`. */
export const recordOp = {
  ...op,
  pop: 0x30,
  popMark: 0x31,
  dup: 0x32,
  persId: 0x50,
  binPersId: 0x51,
  string: 0x53,
  inst: 0x69,
  obj: 0x6f,
  ext1: 0x82,
  ext2: 0x83,
  ext4: 0x84,
  emptySet: 0x8f,
  addItems: 0x90,
  frozenSet: 0x91,
  newObjEx: 0x92,
} as const;
