import type { TestContext } from 'node:test';
import type { GuardTls } from '#src/guard/frontend.js';
import { Guard } from '#src/guard/guard.js';
import type { PingMethod } from '#src/guard/ping-injector.js';
import type { Relay } from '#src/guard/relay.js';
import { type Address, parseAddress } from '#src/zeo/connection/address.js';

export interface GuardedOptions {
  readonly period?: number;
  readonly timeout?: number;
  readonly pingMethod?: PingMethod;
  /** Default: a free port of 127.0.0.1. */
  readonly listen?: Address;
  readonly tls?: GuardTls;
}

/** A guard of this process in front of some servers. It ends with the test. */
export async function startGuard(
  t: TestContext,
  servers: readonly string[],
  {
    period = 0.2,
    timeout = 1,
    pingMethod,
    listen = { host: '127.0.0.1', port: 0 },
    tls,
  }: GuardedOptions = {},
) {
  const route = { listen, servers: servers.map(parseAddress) };
  const guard = new Guard([route], { period, timeout, level: 'silent' }, { pingMethod, tls });
  await guard.start();
  t.after(() => guard.stop(0));
  const [frontend] = guard.frontends;
  if (frontend === undefined) throw new Error('A guard without a route');
  const relays: Relay[] = [];
  frontend.on('relayed', (relay) => relays.push(relay));
  const address = frontend.name;
  const port = 'path' in listen ? 0 : Number(address.slice(address.lastIndexOf(':') + 1));
  return { guard, agent: guard.agent, frontend, relays, address, port };
}
