import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { RouteSource, type RouteSourceOptions } from '#src/cli/guard-command/route-source.js';
import { parseRoute } from '#src/cli/guard-command/routes.js';
import { parseListenAddress } from '#src/cli/io/listen-address.js';
import type { Route } from '#src/guard/frontend.js';
import { formatAddress } from '#src/zeo/connection/address.js';
import { findZeo } from '../support/python/environments.js';
import { ConfigDirectory } from '../zconfig/config-directory.js';
import { WireClient } from '../zeo/server/wire-client.js';
import { RunningCommand, run } from './command.js';
import { CommandOnTerminal } from './terminal.js';

const fast = ['guard', '--period', '0.2', '--timeout', '0.5'];
const { executable: python = '', missing } = findZeo('6.2');

const zeoclient = (...servers: readonly string[]) =>
  `<zeoclient>\n${servers.map((server) => `  server ${server}\n`).join('')}</zeoclient>\n`;

/** A port that was free a moment ago, as was the one after it. */
async function freePort(): Promise<number> {
  for (;;) {
    await using server = await ZeoServer.listen();
    const next = await ZeoServer.listen({ port: server.port + 1 }).catch(() => undefined);
    await next?.close();
    if (next !== undefined) return server.port;
  }
}

async function configured(t: TestContext, text: string) {
  const directory = await ConfigDirectory.make({ 'zope.conf': text });
  t.after(() => directory[Symbol.asyncDispose]());
  return {
    file: directory.path('zope.conf'),
    write: (text: string) => directory.write({ 'zope.conf': text }),
  };
}

/** What a configuration comes to: the routes, and the lines to write in place of others. */
async function routing(
  t: TestContext,
  text: string,
  options: Partial<RouteSourceOptions> = {},
  current = '',
) {
  const { file } = await configured(t, text);
  const source = new RouteSource({ given: [], config: file, listen: undefined, ...options });
  const { routes, changes } = await source.read(routesOf(current));
  return {
    routes: routes.map(
      ({ listen, servers }) => `${formatAddress(listen)}=${servers.map(formatAddress).join()}`,
    ),
    changes: changes.map(({ line, from, to }) => `${line}: ${from.join()} -> ${to.join()}`),
  };
}

function routesOf(text: string): readonly Route[] {
  return text === '' ? [] : text.split(' ').map(parseRoute);
}

describe('The routes of a configuration', () => {
  it('have an address for each server, at its own port or the next one', async (t) => {
    const text = `${zeoclient('zeo1:8100', 'zeo2:8100')}${zeoclient('zeo1:9000', '/run/zeo.sock')}`;
    const { routes, changes } = await routing(t, text);
    assert.deepEqual(routes, [
      '127.0.0.1:8100=zeo1:8100',
      '127.0.0.1:8101=zeo2:8100',
      '127.0.0.1:9000=zeo1:9000',
      '127.0.0.1:8102=/run/zeo.sock',
    ]);
    assert.deepEqual(changes, [
      '2: zeo1:8100 -> 127.0.0.1:8100',
      '3: zeo2:8100 -> 127.0.0.1:8101',
      '6: zeo1:9000 -> 127.0.0.1:9000',
      '7: /run/zeo.sock -> 127.0.0.1:8102',
    ]);
  });

  it('are those of one database if a zconfig: URI names it', async (t) => {
    const text = `<zodb main>\n${zeoclient('zeo1:8100')}</zodb>\n<zodb other>\n${zeoclient('zeo2:8100')}</zodb>\n`;
    const { file } = await configured(t, text);
    const source = new RouteSource({
      given: [],
      config: `zconfig://${file}?connection_password=sesame#other`,
      listen: undefined,
    });
    const { routes, changes } = await source.read();
    assert.deepEqual(routes, [parseRoute('127.0.0.1:8100=zeo2:8100')]);
    assert.equal(source.file, file);
    assert.deepEqual(
      changes.map(({ file, line }) => ({ file, line })),
      [{ file, line: 8 }],
    );
  });

  it('have one address for a server that several clients name, in whatever file and words', async () => {
    await using directory = await ConfigDirectory.make({
      'zope.conf': `%define HOST ZEO1\n${zeoclient('$HOST:8100')}%include more.conf\n`,
      'more.conf': zeoclient('zeo1:8100 zeo2:8100'),
    });
    const source = new RouteSource({ given: [], config: directory.path('zope.conf'), listen: undefined });
    const { routes, changes } = await source.read();
    assert.equal(routes.length, 2);
    assert.deepEqual(
      changes.map(({ file, to }) => [file.slice(file.lastIndexOf('/') + 1), ...to]),
      [
        ['zope.conf', '127.0.0.1:8100'],
        ['more.conf', '127.0.0.1:8100', '127.0.0.1:8101'],
      ],
    );
  });

  it('are not guessed where the configuration names the guard itself', async (t) => {
    for (const [servers, ...expected] of [
      [['127.0.0.1:8100'], '127.0.0.1:8101', 'zope.conf:2 server 127.0.0.1:8101'],
      [['zeo1:8100', 'localhost:8100'], '127.0.0.1:8101', 'zope.conf:3 server 127.0.0.1:8102'],
      // Neither address is to have the port of a server.
      [['zeo1:8102', '127.0.0.1:8102', 'zeo2:8104'], '127.0.0.1:8105', 'zope.conf:3 server 127.0.0.1:8106'],
      [['/run/zeo.sock', '127.0.0.1:8100'], '127.0.0.1:8101', 'zope.conf:3 server 127.0.0.1:8102'],
    ] as const) {
      const [listen, change] = expected;
      const server = servers[1] ?? servers[0];
      await assert.rejects(routing(t, zeoclient(...servers)), ({ message }: Error) => {
        assert.match(message, /The guard itself would listen on 127\.0\.0\.1:810[02], which/);
        assert.match(
          message,
          new RegExp(`--listen ${listen}, and in .*${change} in place of server ${server}$`),
        );
        return true;
      });
      // As the message says.
      const { changes } = await routing(t, zeoclient(...servers), { listen: parseListenAddress(listen) });
      const [line, to] = change.split(' server ');
      assert.ok(changes.includes(`${line?.at(-1)}: ${server} -> ${to}`), changes.join());
    }
    await assert.rejects(
      routing(t, zeoclient('zeo1:65535', '127.0.0.1:65535'), { listen: { host: '127.0.0.1', port: 65534 } }),
      /if 127\.0\.0\.1:65535 is a server on this machine, --listen with another port$/,
    );
    const { routes } = await routing(t, zeoclient('127.0.0.1:8100'), {
      listen: { host: '127.0.0.1', port: 7000 },
    });
    assert.deepEqual(routes, ['127.0.0.1:7000=127.0.0.1:8100']);
  });

  it('begin at --listen, and leave alone what the command line says', async (t) => {
    const given = routesOf('127.0.0.1:7001=zeo1:8100,zeo2:8100 /run/guard.sock=zeo3:8100');
    const listen = { host: '::1', port: 7000 };
    const { routes, changes } = await routing(t, zeoclient('zeo1:8100', 'zeo2:8100', 'zeo3:8100'), {
      given,
      listen,
    });
    assert.deepEqual(routes, [
      '127.0.0.1:7001=zeo1:8100,zeo2:8100',
      '/run/guard.sock=zeo3:8100',
      '[::1]:7000=zeo1:8100',
      '[::1]:7002=zeo2:8100',
    ]);
    assert.equal(changes.at(-1), '4: zeo3:8100 -> /run/guard.sock');
  });

  it('keep the address that a server has, when others come and go', async (t) => {
    const current = '127.0.0.1:8100=zeo1:8100 127.0.0.1:8101=zeo2:8100';
    const { routes } = await routing(t, zeoclient('zeo2:8100', 'zeo3:8100'), {}, current);
    assert.deepEqual(routes, ['127.0.0.1:8101=zeo2:8100', '127.0.0.1:8100=zeo3:8100']);
  });

  it('cannot be those of a client that alone speaks TLS, or of none', async (t) => {
    const tls = '<zeoclient main>\n server zeo1:8100\n <ssl>\n certificate c.pem\n </ssl>\n</zeoclient>';
    await assert.rejects(
      routing(t, tls),
      /zope\.conf:1: main has an <ssl> section, so its servers speak TLS; expected --server-tls-cert/,
    );
    const { routes } = await routing(t, tls, { hasServerTls: true });
    assert.deepEqual(routes, ['127.0.0.1:8100=zeo1:8100']);
    await assert.rejects(routing(t, 'debug-mode off'), /declares no <zeoclient>/);
    const last = zeoclient('zeo1:65535', 'zeo2:65535');
    await assert.rejects(routing(t, last), /no port left for the clients of zeo2:65535/);
  });
});

describe('zeo-keepalive guard --config', { timeout: 90_000 }, () => {
  it('relays to the servers of a zope.conf, and says what to write there', async (t) => {
    await using server = await ZeoServer.listen();
    const { file } = await configured(t, `${zeoclient(server.address)}${zeoclient(server.address)}`);
    const port = await freePort();
    const command = new RunningCommand([...fast, '--config', file, '--listen', String(port)]);
    await command.line(new RegExp(`127.0.0.1:${port} +listens for clients of ${server.address}$`));
    for (const line of [2, 5]) {
      const change = `${file}:${line}: write server 127.0.0.1:${port} in place of server ${server.address}`;
      assert.ok((await command.line(/ write /)).endsWith(change));
    }
    const client = await WireClient.register({ port, address: `127.0.0.1:${port}` });
    await client.call('ping');
    command.kill('SIGTERM');
    await client.closed;
    assert.equal((await command.ended()).code, 0);
  });

  it('listens at SIGHUP for a server that is new, and gives up one that is gone', async (t) => {
    await using first = await ZeoServer.listen();
    await using second = await ZeoServer.listen();
    await using third = await ZeoServer.listen();
    const { file, write } = await configured(t, zeoclient(first.address, second.address));
    const port = await freePort();
    const command = new RunningCommand([...fast, '--json', '--config', file, '--listen', String(port)]);
    const listening = async () => JSON.parse(await command.line(/"listening"/)).name as string;
    const [toFirst, toSecond] = [await listening(), await listening()];
    const connect = (address: string) =>
      WireClient.register({ port: Number(address.slice(address.lastIndexOf(':') + 1)), address });
    const [kept, ended] = [await connect(toFirst), await connect(toSecond)];
    await write(zeoclient(first.address));
    command.kill('SIGHUP');
    const { name, connections } = JSON.parse(await command.line(/"givenUp"/));
    assert.deepEqual([name, connections], [toSecond, 1]);
    await ended.closed;
    await write(zeoclient(third.address, first.address));
    command.kill('SIGHUP');
    const toThird = await listening();
    const next = await connect(toThird);
    await Promise.all([next.call('ping'), kept.call('ping')]);
    assert.deepEqual([first.connections.size, third.connections.size], [1, 1]);
    command.kill('SIGTERM');
    await Promise.all([kept.closed, next.closed]);
    assert.equal((await command.ended()).code, 0);
  });

  it('continues as before at SIGHUP with an invalid file, and says why', async (t) => {
    await using server = await ZeoServer.listen();
    const { file, write } = await configured(t, zeoclient(server.address));
    const port = await freePort();
    const command = new RunningCommand([...fast, '--config', file, '--listen', String(port)]);
    await command.line(/ write /);
    await write('<zeoclient>\n');
    command.kill('SIGHUP');
    await command.line(/SIGHUP: continues as before: .*zope\.conf:1: Expected a closing <\/zeoclient>/);
    await write(zeoclient(`127.0.0.1:${port}`));
    command.kill('SIGHUP');
    await command.line(/continues as before: The guard itself would listen on 127\.0\.0\.1:\d+, which/);
    await write(zeoclient(server.address));
    command.kill('SIGHUP');
    await command.line(/SIGHUP: read .*zope\.conf again$/);
    const client = await WireClient.register({ port, address: `127.0.0.1:${port}` });
    await client.call('ping');
    command.kill('SIGTERM');
    await client.closed;
    const { code, stdout } = await command.ended();
    assert.equal(code, 0);
    assert.equal(stdout.match(/: write server/g)?.length, 1, 'what to write there is as before');
  });

  it('goes on at SIGHUP without a configuration', async () => {
    const command = new RunningCommand([...fast, '0=127.0.0.1:1']);
    await command.line(/listens for clients of/);
    command.kill('SIGHUP');
    await command.line(/SIGHUP: nothing to read again, because there is no --config/);
    command.kill('SIGTERM');
    assert.equal((await command.ended()).code, 0);
  });

  it('ends by SIGHUP when its terminal vanishes', { skip: missing }, async () => {
    const args = [...fast, '0=127.0.0.1:1'];
    await using terminal = new CommandOnTerminal({ python, args, columns: 120 });
    await terminal.shows(/listens for clients of/);
    terminal.signal('SIGHUP');
    await terminal.shows(/nothing to read again/);
    terminal.hangUp();
    assert.equal(await terminal.ended(), -1);
  });

  it('has to be there for --listen, and to be readable', async () => {
    for (const [args, expected] of [
      [['--config', '/no/zope.conf'], /\/no\/zope\.conf: Expected a readable file/],
      [['--listen', '7000', '8100=zeo1:8100'], /--listen needs --config/],
      [['--config', '/no/zope.conf', '--listen', '0'], /--listen expects a port from 1 to 65535/],
    ] as const) {
      const { code, stderr } = await run(['guard', ...args]);
      assert.equal(code, 2);
      assert.match(stderr, expected);
    }
  });
});
