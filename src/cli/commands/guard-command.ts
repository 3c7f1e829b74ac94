import { type Command, Option } from 'commander';
import type { PingMethod } from '../../guard/ping-injector.js';
import { RouteSource } from '../guard-command/route-source.js';
import { parseRoute } from '../guard-command/routes.js';
import { runGuard } from '../guard-command/run-guard.js';
import { readTlsFlags, type TlsFlags } from '../guard-command/tls-flags.js';
import type { ListenAddress } from '../io/listen-address.js';
import type { Output } from '../io/output.js';
import { grace, listen, number } from './argument-types.js';

const guardHelp = `
A client connects to LISTEN as it would to its server, and is relayed to the first SERVER of the list that greets.
Several servers behind one LISTEN have to be replicas of the same data. When its server goes silent, the client is
reset, and reconnects.

LISTEN is [HOST:]PORT, [IPV6]:PORT or the path of a unix socket; SERVER is HOST:PORT, [IPV6]:PORT or such a path.

Examples:
  $ zeo-keepalive guard 127.0.0.1:8100=zeo1:8100 127.0.0.1:8101=zeo2:8100
  $ zeo-keepalive guard --period 5 --timeout 2 /run/zeo.sock=zeo1:8100,zeo2:8100
  $ zeo-keepalive guard --config etc/servers.conf             prints what to write in zope.conf; SIGHUP reads it again

Exit codes: 0 ended on request (Ctrl-C, SIGTERM), 1 failed (for example a port in use), 2 usage error,
129 terminal closed (SIGHUP)`;

interface GuardFlags extends TlsFlags {
  readonly config?: string;
  readonly listen?: ListenAddress;
  readonly period?: number;
  readonly timeout?: number;
  readonly pingMethod?: PingMethod;
  readonly grace: number;
  readonly json?: boolean;
  readonly metrics?: ListenAddress;
}

/** @param output where it shows what happens */
export function addGuard(program: Command, output: Output, onDone: (code: number) => void): void {
  program
    .command('guard')
    .summary('relay clients to their servers, and reset those of a dead one')
    .description('Relays ZEO clients of any language to their servers and keeps the connections alive.')
    .argument('[LISTEN=SERVER[,SERVER...]...]', 'where to listen, and the servers behind that address')
    .option('-c, --config <file>', 'relay for each server of each <zeoclient> in this zope.conf')
    .option(
      '-l, --listen <host:port>',
      'where clients of the first server of --config connect; the others get the ports after it (127.0.0.1 and the port of the server)',
      listen,
    )
    .option(
      '-p, --period <seconds>',
      'time between two pings of a connection (ZEO_KEEPALIVE_PERIOD, or 10)',
      number,
    )
    .option(
      '-t, --timeout <seconds>',
      'how long a server may stay silent after a ping (the smaller of 5 and the period)',
      number,
    )
    .addOption(new Option('--ping-method <method>', 'what a ping calls (ping)').choices(['ping', 'get_info']))
    .option('-g, --grace <seconds>', 'how long outstanding calls may take when the guard stops', grace, 10)
    .option('--json', 'print one JSON object per line (NDJSON)')
    .option('--tls-cert <file>', 'speak TLS with clients: the certificate to show them, PEM')
    .option('--tls-key <file>', 'its key; by default in the same file')
    .option('--tls-ca <file>', 'accept only clients with a certificate of this authority')
    .option('--server-tls-cert <file>', 'speak TLS with servers: the certificate to show them, PEM')
    .option('--server-tls-key <file>', 'its key; by default in the same file')
    .option(
      '--server-tls-ca <file>',
      'the authority of their certificates, a file or a directory; by default those of the system',
    )
    .option('--server-tls-name <name>', 'the name in their certificates; by default the host of SERVER')
    .option('--tls-passthrough', 'clients and servers speak TLS with each other: there are no pings')
    .option(
      '-m, --metrics <host:port>',
      'serve a status page, /metrics, /healthz and /readyz; the default host is 127.0.0.1',
      listen,
    )
    .addHelpText('after', guardHelp)
    .action(async (given: string[], flags: GuardFlags, command: Command) => {
      const { config, listen, period, timeout, pingMethod, grace, json = false, metrics } = flags;
      if (given.length === 0 && config === undefined)
        command.error("error: missing argument 'LISTEN=SERVER' (or --config)");
      if (listen !== undefined && config === undefined) command.error('error: --listen needs --config');
      if (listen?.port === 0)
        command.error('error: --listen expects a port from 1 to 65535, which clients can name');
      const tls = await readTlsFlags(flags);
      const source = new RouteSource({
        given: given.map(parseRoute),
        config,
        hasServerTls: tls.passThrough === true || tls.servers !== undefined,
        listen,
      });
      const options = { agent: { period, timeout }, pingMethod, tls, graceMs: grace * 1000, json, metrics };
      onDone(await runGuard(source, options, output));
    });
}
