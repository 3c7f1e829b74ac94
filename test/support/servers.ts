import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openPythonClient } from './python/client.js';
import { findZeo, type ZeoVersion } from './python/environments.js';
import { startZeoServer } from './python/zeo-server.js';

/** The embedded server, or ZEO's own of that version. */
export const serverKinds = ['embedded', 'zeo-6.2', 'zeo-5.4.1'] as const;
export type ServerKind = (typeof serverKinds)[number];

/** A ZEO server in its own process, which can be stopped, killed and started again on the same port. */
export interface TestServer extends AsyncDisposable {
  readonly address: string;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** SIGKILL. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Starts a server with a root object in storage `1`. */
export async function startServer(kind: ServerKind): Promise<TestServer> {
  if (kind === 'embedded') return EmbeddedServer.launch();
  const version = versionOf(kind);
  const server = await startZeoServer({ version });
  const python = await openPythonClient(version, { address: [server.host, server.port] });
  await python.call('open_db');
  await python.close();
  return server;
}

/** Why a server of this kind is not available here; `undefined` if it is. */
export function missingServer(kind: ServerKind): string | undefined {
  return kind === 'embedded' ? undefined : findZeo(versionOf(kind)).missing;
}

const versionOf = (kind: Exclude<ServerKind, 'embedded'>) => kind.slice('zeo-'.length) as ZeoVersion;

class EmbeddedServer implements TestServer {
  address = '';
  #child!: ChildProcess;

  static async launch(): Promise<EmbeddedServer> {
    const server = new EmbeddedServer();
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const script = fileURLToPath(new URL('./embedded-server.js', import.meta.url));
    const port = this.address.slice(this.address.lastIndexOf(':') + 1);
    this.#child = spawn(process.execPath, [script, port || '0'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    const [address] = await Promise.race([
      once(lines, 'line'),
      once(this.#child, 'exit').then(([code]) => Promise.reject(new Error(`The server ended with ${code}`))),
    ]);
    this.address = address;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
