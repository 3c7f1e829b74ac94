import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findZeo, type ZeoVersion } from './environments.js';
import { PythonProcess } from './python-process.js';

export interface ZeoServerOptions {
  readonly version: ZeoVersion;
  /** The ids of its storages. Default: one storage, `1`. */
  readonly storages?: readonly string[];
  /** The kind of its storages. A mapping storage is empty after a restart. Default `file`. */
  readonly storage?: 'file' | 'mapping';
  readonly msgpack?: boolean;
  readonly readOnly?: boolean;
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Listens on the unix socket `zeo.sock` in the server's own directory instead. */
  readonly unix?: boolean;
  readonly invalidationQueueSize?: number;
  /** Leaves resolving conflicts to the clients. */
  readonly clientConflictResolution?: boolean;
  /** Seconds that a client may take from its vote to its finish. Default: no limit. */
  readonly transactionTimeout?: number;
  /** Uses TLS: paths of its certificate, its key, and the certificates of its clients. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly authenticate: string };
}

/** Starts ZEO's own `runzeo` with its data in a temporary directory; resolves when it answers. */
export async function startZeoServer(options: ZeoServerOptions): Promise<PythonZeoServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'zeo-server-'));
  const server = new PythonZeoServer(directory, options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** A real ZEO server in a process of its own. */
export class PythonZeoServer {
  readonly directory: string;
  readonly #options: ZeoServerOptions;
  #process: PythonProcess | undefined;
  #port = 0;

  constructor(directory: string, options: ZeoServerOptions) {
    this.directory = directory;
    this.#options = options;
    this.#port = options.port ?? 0;
  }

  get host(): string {
    return this.#options.host ?? '127.0.0.1';
  }

  get port(): number {
    return this.#port;
  }

  get path(): string | undefined {
    return this.#options.unix === true ? path.join(this.directory, 'zeo.sock') : undefined;
  }

  /** `host:port`, or the path. */
  get address(): string {
    return this.path ?? `${this.host}:${this.port}`;
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** The log since the last start, all levels. */
  get log(): string {
    return this.#running.stderr;
  }

  /** Resolves when the log since the last start has a match. */
  waitForLog(pattern: RegExp): Promise<void> {
    return this.#running.waitForStderr(pattern);
  }

  /** Starts the server with the data in its directory. */
  async start(): Promise<void> {
    const { executable, missing } = findZeo(this.#options.version);
    if (executable === undefined) throw new Error(missing);
    const file = path.join(this.directory, 'zeo.conf');
    await writeFile(file, this.#configuration());
    this.#process = new PythonProcess(executable, 'run_zeo.py', ['-C', file]);
    const { address } = (await this.#process.nextLine()) as { address: string | [string, number] };
    // Kept, so that a restart uses the same port.
    if (typeof address !== 'string') this.#port = address[1];
    // With TLS the greeting is not checked; the server is listening by now.
    if (this.#options.tls === undefined) await this.#greeting();
  }

  /** Ends the server with SIGTERM, and removes its directory. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM');
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Ends the server with SIGKILL; the data remain for `start()`. */
  async kill(): Promise<void> {
    await this.#running.end('SIGKILL');
  }

  /** Stops the server and starts it on the same port with the same data. */
  async restart(): Promise<void> {
    await this.#running.end('SIGTERM');
    await this.start();
  }

  /** E.g. `SIGSTOP`, after which connections stay open without answers, until `SIGCONT`. */
  signal(signal: NodeJS.Signals): void {
    this.#running.signal(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #running(): PythonProcess {
    if (this.#process === undefined) throw new Error('The server was never started');
    return this.#process;
  }

  #configuration(): string {
    const {
      storage = 'file',
      storages = ['1'],
      msgpack = false,
      readOnly = false,
      invalidationQueueSize = 100,
      clientConflictResolution = false,
      transactionTimeout,
      tls,
    } = this.#options;
    const ssl = Object.entries(tls ?? {}).map(([name, file]) => `    ${name} ${file}\n`);
    // Data.fs is the usual name for the file of the first one.
    const sections = storages.map((id, index) => {
      const file = `\n  path Data${index === 0 ? '' : `-${index}`}.fs`;
      return `<${storage}storage ${id}>${storage === 'file' ? file : ''}\n</${storage}storage>`;
    });
    return `<zeo>
  address ${this.address}
  msgpack ${msgpack}
  read-only ${readOnly}
  invalidation-queue-size ${invalidationQueueSize}
  client-conflict-resolution ${clientConflictResolution}
${transactionTimeout === undefined ? '' : `  transaction-timeout ${transactionTimeout}\n`}\
${tls === undefined ? '' : `  <ssl>\n${ssl.join('')}  </ssl>\n`}</zeo>
${sections.join('\n')}
<eventlog>
  level DEBUG
  <logfile>
    path STDERR
  </logfile>
</eventlog>
`;
  }

  /** Connects like a client, and waits for the greeting, which proves that the server is up. */
  #greeting(): Promise<void> {
    const target = this.path === undefined ? { host: this.host, port: this.port } : { path: this.path };
    return new Promise((resolve, reject) => {
      const socket = connect(target);
      socket.once('data', () => {
        socket.destroy();
        resolve();
      });
      socket.once('error', reject);
      socket.once('end', () => reject(new Error('The ZEO server closed the connection without a greeting')));
    });
  }
}
