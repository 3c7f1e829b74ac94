import type { Computer } from '../faults/kernel/networks/network.js';
import { RemoteProcess } from '../faults/kernel/processes/remote-process.js';
import type { TlsPaths } from '../faults/kernel/processes/server-process.js';
import type { ZeoVersion } from '../support/python/environments.js';

/** What `guarded-host.ts` is started with. Durations in seconds. */
export interface GuardedConfig {
  readonly servers: readonly string[];
  readonly version: ZeoVersion;
  readonly period: number;
  readonly timeout: number;
  /** Passes TLS through, that of a client with these files. */
  readonly tls?: TlsPaths['client'];
}

/** Has the client load an object. The reply is `loaded`, and after an error also `connected`. */
export interface GuardedCommand {
  readonly oid: string;
}

export type GuardedEvent =
  | { readonly type: 'ready' | 'pinged' | 'connected' }
  /** The client has a server; `port` is the guard's own of that connection. */
  | { readonly type: 'relayed'; readonly server: string; readonly port: number }
  | { readonly type: 'serverUp'; readonly server: string }
  | { readonly type: 'died'; readonly server: string; readonly diagnosis: string; readonly atMs: number }
  /** `error` is the class of Python's exception. */
  | { readonly type: 'loaded'; readonly error: string | undefined; readonly atMs: number };

/** A computer with a guard and a Python client behind it. */
export class GuardedHost extends RemoteProcess<GuardedCommand, GuardedEvent> {
  /** Resolves when the client is connected, and its connection has been pinged. */
  static async start(computer: Computer, config: GuardedConfig): Promise<GuardedHost> {
    const host = new GuardedHost(computer, new URL('./guarded-host.js', import.meta.url), config);
    try {
      await host.until('a client', () => host.all('ready').length > 0, 60_000);
      await host.until('a ping', () => host.all('pinged').length > 0, 60_000);
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
    return host;
  }

  /** Loads an object: the class of the error, if it fails. */
  async load(oid: string): Promise<string | undefined> {
    const before = this.all('loaded').length;
    this.send({ oid });
    await this.until('a load that ends', () => this.all('loaded').length > before, 60_000);
    return this.all('loaded').at(-1)?.error;
  }
}
