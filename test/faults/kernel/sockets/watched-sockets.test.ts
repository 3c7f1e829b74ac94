import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { socketBounds } from '#src/threads/budgets.js';
import { sleep } from '../../../support/turning-clock.js';
import { missingForKernelFaults } from '../networks/missing.js';
import { breaks, TwoHosts } from '../networks/two-hosts.js';
import { doNotRead, SocketHostProcess, SocketServer } from './socket-processes.js';

const probeDelayMs = 1000;
const timeoutMs = 1000;
const patienceMs = 10_000;
const { idleMs, inFlightMs, cutOffHereMs } = socketBounds(probeDelayMs, timeoutMs);

const count = Number(process.env.WATCHED_SOCKETS ?? 10);
const hostOf = (address: string) => address.split(':')[0] as string;

describe('Watched sockets on a real network', {
  skip: missingForKernelFaults(),
  timeout: 150_000,
}, () => {
  async function setUp(addressCount: number, localPorts: Readonly<Record<number, number>> = {}) {
    const rig = new TwoHosts();
    const addresses = rig.addresses(addressCount);
    const server = await SocketServer.start(rig.server);
    // One connection to an IPv4 address is in the table for IPv6.
    const hosts = addresses.map((address, index) =>
      index === 1 ? `::ffff:${hostOf(address)}` : hostOf(address),
    );
    const host = await SocketHostProcess.start(rig.client, {
      addresses: hosts,
      localPorts,
      probeDelayMs,
      timeoutMs,
    });
    return {
      rig,
      addresses,
      server,
      host,
      async [Symbol.asyncDispose]() {
        await host[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
        rig[Symbol.dispose]();
      },
    };
  }

  type Rig = Awaited<ReturnType<typeof setUp>>;

  /** Cuts each connection off at a random moment, and returns how long afterwards it was found dead. */
  async function cutAll({ rig, host, addresses }: Rig, writes: boolean) {
    const begun = new Map<number, { atMs: number; stalledMs: number }>();
    for (const [socket, address] of addresses.entries()) {
      await sleep(Math.random() * Math.min(200, 4000 / count));
      const before = await host.write(socket, { bytes: 0 });
      const atMs = rig.cut(address, 'both ways');
      begun.set(socket, writes ? await host.write(socket) : { ...before, atMs });
    }
    await host.meets(() => host.all('died').length >= addresses.length, patienceMs);
    return host.all('died').map(({ socket, atMs, stalledMs, death }) => {
      const since = begun.get(socket) ?? { atMs: Infinity, stalledMs: 0 };
      return { afterMs: atMs - since.atMs, heldUpMs: stalledMs - since.stalledMs, death };
    });
  }

  function figures(found: readonly { afterMs: number }[]): string {
    const afterMs = found.map(({ afterMs }) => Math.round(afterMs)).sort((one, other) => one - other);
    return `${found.length}: min ${afterMs[0]}, median ${afterMs[afterMs.length >> 1]}, max ${afterMs.at(-1)} ms`;
  }

  it('are found dead within the bound if they are idle', async (t) => {
    await using rig = await setUp(count);
    const found = await cutAll(rig, false);
    t.diagnostic(figures(found));
    assert.equal(found.length, count);
    for (const { afterMs, heldUpMs, death } of found) {
      assert.equal(death.by, 'probes');
      assert.ok(afterMs - heldUpMs <= idleMs, `${afterMs} ms, ${heldUpMs} ms of it stalled`);
    }
    assert.deepEqual(rig.host.all('lost'), []);
  });

  it('are found dead within the bound if bytes are in flight', async (t) => {
    await using rig = await setUp(count);
    const found = await cutAll(rig, true);
    t.diagnostic(figures(found));
    assert.equal(found.length, count);
    for (const { afterMs, heldUpMs, death } of found) {
      assert.equal(death.by, 'retransmits');
      assert.equal(death.unacknowledgedBytes, 100);
      assert.ok(afterMs - heldUpMs <= inFlightMs, `${afterMs} ms, ${heldUpMs} ms of it stalled`);
    }
    assert.deepEqual(rig.host.all('lost'), []);
  });

  it('stay alive while their server computes or does not read', async () => {
    await using rig = await setUp(3);
    const { host, server } = rig;
    await host.write(0, { bytes: 16 * 1024 * 1024, first: doNotRead });
    await host.write(1);
    await server.compute(5 * timeoutMs);
    await sleep(2 * timeoutMs);
    assert.deepEqual(host.all('died'), []);
    // The table was read all the while.
    rig.rig.cut(rig.addresses[2] as string, 'both ways');
    assert.ok(await host.meets(() => host.all('died').length > 0, patienceMs));
    assert.deepEqual(
      host.all('died').map(({ socket }) => socket),
      [2],
    );
  });

  for (const by of breaks) {
    it(`are found dead where the ${by} of this host breaks`, async () => {
      await using rig = await setUp(2);
      const { host } = rig;
      for (const address of rig.addresses) rig.rig.breakHere(address, by);
      const written = await host.write(0);
      assert.ok(await host.meets(() => host.all('died').length >= 2, patienceMs));
      for (const { socket, atMs, stalledMs, death } of host.all('died')) {
        assert.equal(death.by, 'probes');
        assert.equal(death.unacknowledgedBytes, socket === 0 ? 100 : 0);
        const afterMs = atMs - written.atMs - (stalledMs - written.stalledMs);
        assert.ok(afterMs <= (socket === 0 ? cutOffHereMs : idleMs), `socket ${socket}: ${afterMs} ms`);
      }
      assert.deepEqual(host.all('lost'), []);
    });
  }

  it('stay alive while their window is closed and packets are lost', async () => {
    await using rig = await setUp(count);
    const { host } = rig;
    rig.rig.lose(0.01);
    for (let socket = 0; socket < count; socket++)
      await host.write(socket, { bytes: 16 * 1024 * 1024, first: doNotRead });
    await sleep(30 * timeoutMs);
    assert.deepEqual(host.all('died'), []);
  });

  it('survive a stop of their process, except one that died in it', async () => {
    await using rig = await setUp(3);
    const { host } = rig;
    host.signal('SIGSTOP');
    try {
      rig.rig.cut(rig.addresses[2] as string, 'both ways');
      await sleep(5 * timeoutMs);
    } finally {
      host.signal('SIGCONT');
    }
    assert.ok(await host.meets(() => host.all('died').length > 0, patienceMs));
    await sleep(2 * timeoutMs);
    assert.deepEqual(
      host.all('died').map(({ socket }) => socket),
      [2],
    );
  });

  it('are distinguished from others with the same ports', async () => {
    await using rig = await setUp(4, { 2: 20_000, 3: 20_000 });
    rig.rig.cut(rig.addresses[2] as string, 'both ways');
    const { host } = rig;
    assert.ok(await host.meets(() => host.all('died').length > 0, patienceMs));
    await sleep(3 * timeoutMs);
    assert.deepEqual(
      host.all('died').map(({ socket }) => socket),
      [2],
    );
  });
});
