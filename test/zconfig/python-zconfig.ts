import { PythonClient } from '../support/python/client.js';
import { findZeo } from '../support/python/environments.js';
import { PythonProcess } from '../support/python/python-process.js';
import type { PlainSection } from './tree.js';

/** How ZConfig refused a file: the class of the error and, if known, the line. */
export type Verdict<T> =
  | { readonly loaded: T; readonly refused?: undefined; readonly line?: undefined }
  | { readonly refused: string; readonly line: number | null; readonly loaded?: undefined };

/** The arguments with which ZODB would open a ZEO client. */
export interface PythonOptions {
  readonly addresses: readonly (string | readonly [host: string, port: number])[];
  readonly storage: string;
  readonly name: string;
  readonly wait: boolean;
  readonly wait_timeout: number;
  readonly read_only: boolean;
  readonly read_only_fallback: boolean;
  readonly client_label: string | null;
  readonly cache_size: number;
  readonly ssl: { readonly check_hostname: boolean; readonly server_hostname: string | null } | null;
}

type Environment = Readonly<Record<string, string>>;

/** ZConfig itself, with the schemas of ZODB and ZEO, in a Python process. */
export class PythonZConfig {
  readonly #client: PythonClient;

  /** @throws Error if there is no Python with ZEO */
  constructor() {
    const { executable, missing } = findZeo('6.2');
    if (executable === undefined) throw new Error(missing);
    this.#client = new PythonClient(new PythonProcess(executable, 'read_config.py'));
  }

  /** The file as ZConfig's parser reads it, whatever the sections are. */
  tree(path: string, env: Environment = {}): Promise<Verdict<PlainSection>> {
    return this.#client.call('tree', { path, env });
  }

  /** The file as ZODB and ZEO read it: the arguments of each ZEO client in it. */
  clients(path: string, env: Environment = {}): Promise<Verdict<PythonOptions[]>> {
    return this.#client.call('clients', { path, env });
  }

  /** The directory of the certificates that ZEO's own tests use. */
  certificates(): Promise<string> {
    return this.#client.call('certificates');
  }

  /** Connects with the first ZEO client of the file. */
  ping(path: string): Promise<{ addresses: PythonOptions['addresses']; size: number }> {
    return this.#client.call('ping', { path });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}
