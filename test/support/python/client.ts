import { findZeo, type ZeoVersion } from './environments.js';
import { PythonProcess } from './python-process.js';

/** An exception that ZEO's own client raised. */
export class PythonError extends Error {
  /** Dotted Python class name. */
  readonly type: string;

  constructor(type: string, message: string) {
    super(`${type}: ${message}`);
    this.type = type;
  }
}

export interface OpenOptions {
  /** `[host, port]`, several of them, or the path of a unix socket. */
  readonly address: readonly [string, number] | readonly (readonly [string, number])[] | string;
  readonly storage?: string;
  readonly readOnly?: boolean;
  readonly readOnlyFallback?: boolean;
  readonly label?: string;
  /** Paths of files: the authority of the server's certificate, and the client's certificate and key. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
}

/** Starts a Python process with ZEO's own client, and connects it. */
export async function openPythonClient(version: ZeoVersion, options: OpenOptions): Promise<PythonClient> {
  const { executable, missing } = findZeo(version);
  if (executable === undefined) throw new Error(missing);
  const client = new PythonClient(new PythonProcess(executable, 'client.py'));
  const { readOnly, readOnlyFallback, ...rest } = options;
  try {
    await client.call('open', {
      ...rest,
      read_only: readOnly ?? false,
      read_only_fallback: readOnlyFallback ?? false,
    });
  } catch (error) {
    await client.kill();
    throw error;
  }
  return client;
}

/** ZEO's own Python `ClientStorage`, and a ZODB on it, under remote control: `client.py` lists the commands. */
export class PythonClient {
  readonly #process: PythonProcess;
  #previous: Promise<unknown> = Promise.resolve();

  constructor(process: PythonProcess) {
    this.#process = process;
  }

  /**
   * Runs one command; commands run one after the other. Bytes are hexadecimal strings, in both directions.
   *
   * @throws PythonError if Python raised an exception
   */
  call<T = unknown>(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const answer = this.#previous.then(async () => {
      this.#process.write({ method, params });
      const line = (await this.#process.nextLine()) as Answer<T>;
      if (line.error !== undefined) throw new PythonError(line.error.type, line.error.message);
      return line.result;
    });
    this.#previous = answer.catch(() => {});
    return answer;
  }

  async close(): Promise<void> {
    await this.#process.finish();
  }

  async kill(): Promise<void> {
    await this.#process.end('SIGKILL');
  }
}

type Answer<T> =
  | { result: T; error?: undefined }
  | { error: { readonly type: string; readonly message: string } };
