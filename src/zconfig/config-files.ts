import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ConfigError } from './config-error.js';
import { limits } from './config-limits.js';
import type { Document, Position } from './document.js';
import { includedPath } from './include-target.js';
import { parseDocument } from './parser.js';

/** Without it, opening a named pipe would wait forever for a writer. */
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Opens and parses the files of one configuration, within its limits. */
export class ConfigFiles {
  #bytesLeft: number = limits.totalBytes;
  #filesLeft: number = limits.files;

  /**
   * @throws ConfigError `ERR_ZCONFIG_READ`, `ERR_ZCONFIG_LIMIT`, `ERR_ZCONFIG_SYNTAX`
   */
  open(file: string): Promise<Document> {
    return this.#read(file, { file });
  }

  /**
   * Opens the file that an `%include` names.
   *
   * @throws ConfigError `ERR_ZCONFIG_INCLUDE`, and what {@link open} throws
   */
  include(target: string, at: Position): Promise<Document> {
    return this.#read(includedPath(target, at), at);
  }

  /** @param from the position that an error refers to */
  async #read(file: string, from: Partial<Position> & { file: string }): Promise<Document> {
    if (this.#filesLeft-- === 0) throw tooMuch(from, `${limits.files} files`);
    let bytes: Buffer | undefined;
    try {
      bytes = await readBounded(file, this.#bytesLeft);
    } catch (cause) {
      const found = from.line === undefined ? systemMessage(cause) : `${file}: ${systemMessage(cause)}`;
      throw new ConfigError('ERR_ZCONFIG_READ', from, { expected: 'a readable file', found, cause });
    }
    if (bytes === undefined) throw tooMuch(from, `${limits.totalBytes} bytes`);
    this.#bytesLeft -= bytes.length;
    return parseDocument(decode(bytes, file), file);
  }
}

/** The whole file, or `undefined` if it is larger. Does not rely on its size: a file may grow, and `/proc` reports 0. */
async function readBounded(file: string, limit: number): Promise<Buffer | undefined> {
  const handle = await open(file, openFlags);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('it is not a regular file');
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      length += (chunk as Buffer).length;
      if (length > limit) return undefined;
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  } finally {
    await handle.close();
  }
}

/** ZConfig reads files as UTF-8, whatever the locale. */
function decode(bytes: Buffer, file: string): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new ConfigError(
      'ERR_ZCONFIG_READ',
      { file, line: undecodableLine(bytes) },
      { expected: 'UTF-8', found: 'bytes that are not', cause },
    );
  }
}

/** In UTF-8 a line feed is never part of another character, so lines can be checked one by one. */
function undecodableLine(bytes: Buffer): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for (let start = 0; ; line++) {
    const end = bytes.indexOf(0x0a, start);
    try {
      decoder.decode(bytes.subarray(start, end < 0 ? undefined : end));
    } catch {
      return line;
    }
    if (end < 0) return line;
    start = end + 1;
  }
}

/** Node's message without code, call and path: `no such file or directory`. */
function systemMessage(error: unknown): string {
  const { message } = error as NodeJS.ErrnoException;
  return /^[A-Z]+: (?<text>[^,]+)/.exec(message)?.groups?.text ?? message;
}

function tooMuch(from: { file: string; line?: number | undefined }, most: string): ConfigError {
  return new ConfigError('ERR_ZCONFIG_LIMIT', from, { expected: `at most ${most} in all`, found: 'more' });
}
