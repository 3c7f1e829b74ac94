import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StoreConflict } from '#src/zeo/server/index.js';

const script = fileURLToPath(new URL('../../../test/zeo-suite/python/storage_functions.py', import.meta.url));

/**
 * ZODB's conflict resolution and its `referencesf`, in Python. A storage needs both synchronously, so they are called
 * over two named pipes, which can be read and written without the event loop.
 */
export class StorageFunctions {
  readonly #questions: number;
  readonly #answers: number;

  constructor(python: string) {
    const directory = mkdtempSync(path.join(tmpdir(), 'zeo-suite-pipes-'));
    try {
      const pipes = ['questions', 'answers'].map((name) => path.join(directory, name)) as [string, string];
      execFileSync('mkfifo', pipes);
      spawn(python, ['-B', '-W', 'ignore', script, ...pipes], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }).unref();
      // Each waits for the other end.
      this.#questions = openSync(pipes[0], 'w');
      this.#answers = openSync(pipes[1], 'r');
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  resolveConflict({ oid, oldData, committedData, newData }: StoreConflict): Uint8Array | undefined {
    return this.#ask('c', [oid, oldData, committedData, newData]);
  }

  referencesOf(record: Uint8Array): Uint8Array[] {
    const found = this.#ask('r', [record]);
    if (found === undefined) throw new Error('ZODB cannot read the references of the record');
    return Array.from({ length: found.length / 8 }, (_, index) => found.subarray(index * 8, index * 8 + 8));
  }

  /** Python ends when its input does. */
  close(): void {
    closeSync(this.#questions);
    closeSync(this.#answers);
  }

  #ask(kind: string, strings: readonly Uint8Array[]): Uint8Array | undefined {
    const question = Buffer.concat([
      Buffer.from(kind),
      ...strings.flatMap((string) => [lengthOf(string), string]),
    ]);
    for (let sent = 0; sent < question.length; )
      sent += writeSync(this.#questions, question, sent, question.length - sent);
    const length = this.#read(4).readInt32BE();
    return length < 0 ? undefined : this.#read(length);
  }

  #read(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let had = 0; had < length; ) {
      const more = readSync(this.#answers, bytes, had, length - had, null);
      if (more === 0) throw new Error('The Python that settles conflicts and reads references has ended');
      had += more;
    }
    return bytes;
  }
}

function lengthOf(string: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(string.length);
  return bytes;
}
