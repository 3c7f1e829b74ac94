import { Command, InvalidArgumentError, Option } from 'commander';
import type { PingMethod } from '../guard/ping-injector.js';
import { type Datatype, numeric } from '../model/option-check.js';
import { check } from './check/check.js';
import { statusLine } from './check/finding.js';
import { demo } from './demo.js';
import { RouteSource } from './guard-command/route-source.js';
import { parseRoute } from './guard-command/routes.js';
import { runGuard } from './guard-command/run-guard.js';
import { readTlsFlags, type TlsFlags } from './guard-command/tls-flags.js';
import type { Output } from './io/output.js';
import { eachServer, readTargets } from './io/targets.js';
import { oneLine } from './io/terminal-text.js';
import { packageVersion } from './io/version.js';
import { serve } from './serve.js';
import { parseListenAddress } from './watch/listen-address.js';
import { watch } from './watch/watch.js';

const addresses = `
An ADDRESS is HOST:PORT, [IPV6]:PORT, the path of a unix socket, or a zeo:// URI as in zodburi. Several servers of one
storage have commas between them.`;

const examples = `
Examples:
  $ zeo-keepalive demo                                        shows what it does; needs no server
  $ zeo-keepalive serve                                       a server to try with, on 127.0.0.1:8100
  $ zeo-keepalive watch zeo1:8100 zeo2:8100                   a live table; Ctrl-C ends it
  $ zeo-keepalive watch --config etc/zope.conf                every <zeoclient> of a Zope or Plone
  $ zeo-keepalive check --warning 50 --critical 500 zeo1:8100 for Nagios, Icinga, Sensu, …
  $ zeo-keepalive check --ruok 'zeo:///run/zeo.sock?storage=main'
  $ zeo-keepalive guard 127.0.0.1:8100=zeo1:8100              for Zope, Plone, any client: see guard --help
${addresses}
Settings without an option are read from the environment: ZEO_KEEPALIVE_PERIOD, ZEO_KEEPALIVE_TIMEOUT, …`;

const watchHelp = `
On a terminal it draws a table; otherwise it prints one line for each event.
${addresses}
Examples:
  $ zeo-keepalive watch --period 5 --timeout 2 zeo1:8100 '[2001:db8::1]:8100' /run/zeo.sock
  $ zeo-keepalive watch --config etc/zope.conf --quiet >> watch.log
  $ zeo-keepalive watch --json zeo1:8100 | jq 'select(.event == "connectionDied")'
  $ zeo-keepalive watch --metrics 9464 zeo1:8100              http://127.0.0.1:9464/metrics, /healthz, /readyz

Exit codes: 0 ended on request (Ctrl-C, SIGTERM, closed output), 1 failed (for example a full disk), 2 usage error,
129 terminal closed (SIGHUP)`;

const checkHelp = `${addresses}
Examples:
  $ zeo-keepalive check --warning 50 --critical 500 --timeout 5 zeo1:8100 zeo2:8100
  $ zeo-keepalive check --config etc/zope.conf
  $ zeo-keepalive check --ruok zeo1:8100                      includes the server's own counters

Exit codes: 0 OK, 1 WARNING, 2 CRITICAL (also: unreachable, or no answer in time), 3 UNKNOWN (usage error, or
the result could not be written)`;

const guardHelp = `
A client connects to LISTEN as it would to its server. It gets the first SERVER of the list that greets; several behind
one LISTEN have to be replicas of the same data. When its server falls silent, the client is reset, and reconnects.

LISTEN is [HOST:]PORT, [IPV6]:PORT or the path of a unix socket; SERVER is HOST:PORT, [IPV6]:PORT or such a path.

Examples:
  $ zeo-keepalive guard 127.0.0.1:8100=zeo1:8100 127.0.0.1:8101=zeo2:8100
  $ zeo-keepalive guard --period 5 --timeout 2 /run/zeo.sock=zeo1:8100,zeo2:8100
  $ zeo-keepalive guard --config etc/servers.conf             prints what to write in zope.conf; SIGHUP reads it anew

Exit codes: 0 ended as asked (Ctrl-C, SIGTERM), 1 it could not work (a port that is in use), 2 called wrongly,
129 its terminal vanished`;

interface GuardFlags extends TlsFlags {
  readonly config?: string;
  readonly listen?: ReturnType<typeof parseListenAddress>;
  readonly period?: number;
  readonly timeout?: number;
  readonly pingMethod?: PingMethod;
  readonly grace: number;
  readonly json?: boolean;
  readonly metrics?: ReturnType<typeof parseListenAddress>;
}

interface WatchFlags extends TargetFlags {
  readonly period?: number;
  readonly timeout?: number;
  readonly concurrency?: number;
  readonly jitter?: number;
  readonly skipActive?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly metrics?: ReturnType<typeof parseListenAddress>;
}

interface ServeFlags {
  readonly listen: ReturnType<typeof parseListenAddress>;
  readonly storage: readonly string[];
}

interface CheckFlags extends TargetFlags {
  readonly warning?: number;
  readonly critical?: number;
  readonly lockWarning: number;
  readonly lockCritical: number;
  readonly timeout: number;
  readonly ruok?: boolean;
}

/** Has no port, no path, and no digits or dots as a host without its port would. */
const bareWord = /^[a-z][a-z-]*$/i;

/**
 * The command line. `onDone` receives the exit code of the command that ran.
 *
 * @param output where `watch` shows what happens
 * @param first the first argument. If it is an option or an address the command is `watch`; but a misspelt command must not
 *   be taken for an address.
 */
export function createProgram(first: string, output: Output, onDone: (code: number) => void): Command {
  const program = new Command('zeo-keepalive')
    .description('Keeps connections to ZEO servers alive, and knows within seconds when one is dead')
    .version(packageVersion(), '-V, --version')
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', examples);

  program
    .command('watch', { isDefault: !bareWord.test(first) })
    .summary('keep the connections to servers alive and show what happens')
    .description('Keeps the connections to these servers alive and shows what happens, until Ctrl-C.')
    .argument('[ADDRESS...]', 'servers')
    .option('-c, --config <file>', 'every <zeoclient> of this zope.conf')
    .option('-a, --all-servers', 'each server of a storage by itself')
    .option(
      '-p, --period <seconds>',
      'time between two pings of a storage (ZEO_KEEPALIVE_PERIOD, or 10)',
      number,
    )
    .option(
      '-t, --timeout <seconds>',
      'how long a server may stay silent after a ping (the smaller of 5 and the period)',
      number,
    )
    .option('--concurrency <count>', 'maximum number of pings in flight (128)', number)
    .option('--jitter <fraction>', 'by how much a sleep may be shortened at random (0.1)', number)
    .option('--skip-active', 'do not ping storages that received bytes within the period')
    .option('--json', 'print one JSON object per line (NDJSON)')
    .option('-q, --quiet', 'leave out routine lines such as answered pings')
    .option(
      '-m, --metrics <host:port>',
      'serve /metrics, /healthz and /readyz; the default host is 127.0.0.1',
      listen,
    )
    .addHelpText('after', watchHelp)
    .action(async (given: string[], flags: WatchFlags, command: Command) => {
      const { json = false, quiet = false, metrics } = flags;
      const { period, timeout, concurrency, jitter, skipActive } = flags;
      const agent = { period, timeout, concurrency, jitter, skipActive };
      const targets = await targetsOf(command, given, flags);
      onDone(await watch(targets, { agent, json, quiet, metrics }, output));
    });

  program
    .command('check')
    .summary('check servers once, as a monitoring plugin')
    .description('Connects to each server, registers, pings once, and reports as a monitoring plugin.')
    .argument('[ADDRESS...]', 'servers; the worst result counts')
    .option('-C, --config <file>', 'every <zeoclient> of this zope.conf')
    .option('-a, --all-servers', 'each server of a storage by itself, also the one that stands by')
    .option('-w, --warning <ms>', 'a round trip over this is a warning', milliseconds)
    .option('-c, --critical <ms>', 'a round trip over this is critical', milliseconds)
    .option('--lock-warning <seconds>', 'a commit lock held for longer is a warning', lockSeconds, 60)
    .option('--lock-critical <seconds>', 'a commit lock held for longer is critical', lockSeconds, 300)
    .option('-t, --timeout <seconds>', 'for connecting, registering and the reply together', seconds, 10)
    .option('-r, --ruok', 'only ask the server for its status, which needs no registration')
    .addHelpText('after', checkHelp)
    // Monitoring systems show standard output.
    .configureOutput({ outputError: (text) => console.log(statusLine('UNKNOWN', oneLine(text.trim()))) })
    .action(async (given: string[], flags: CheckFlags, command: Command) => {
      const { warning: warningMs, critical: criticalMs, timeout, ruok = false } = flags;
      if (warningMs !== undefined && criticalMs !== undefined && warningMs > criticalMs)
        command.error('error: --warning must not exceed --critical');
      if (flags.lockWarning > flags.lockCritical)
        command.error('error: --lock-warning must not exceed --lock-critical');
      const lock = { lockWarningMs: flags.lockWarning * 1000, lockCriticalMs: flags.lockCritical * 1000 };
      const targets = await targetsOf(command, given, flags);
      onDone(await check(targets, { warningMs, criticalMs, ...lock, timeoutMs: timeout * 1000, ruok }));
    });

  program
    .command('guard')
    .summary('relay clients to their servers, and reset those of a dead one')
    .description('Relays ZEO clients of any language to their servers and keeps the connections alive.')
    .argument('[LISTEN=SERVER[,SERVER...]...]', 'where to listen, and the servers behind that')
    .option('-c, --config <file>', 'each server of each <zeoclient> of this zope.conf')
    .option(
      '-l, --listen <host:port>',
      'for the clients of the first server of --config, then the ports after it (127.0.0.1 and the port of the server)',
      listen,
    )
    .option(
      '-p, --period <seconds>',
      'between two pings of a connection (ZEO_KEEPALIVE_PERIOD, or 10)',
      number,
    )
    .option(
      '-t, --timeout <seconds>',
      'a server may stay silent after a ping (the smaller of 5 and the period)',
      number,
    )
    .addOption(new Option('--ping-method <method>', 'what a ping calls (ping)').choices(['ping', 'get_info']))
    .option('-g, --grace <seconds>', 'for calls to be answered when it is to end', grace, 10)
    .option('--json', 'one JSON object a line (NDJSON)')
    .option('--tls-cert <file>', 'speak TLS with clients: the certificate to show them, PEM')
    .option('--tls-key <file>', 'its key (the same file)')
    .option('--tls-ca <file>', 'accept only clients with a certificate of this authority')
    .option('--server-tls-cert <file>', 'speak TLS with servers: the certificate to show them, PEM')
    .option('--server-tls-key <file>', 'its key (the same file)')
    .option('--server-tls-ca <file>', 'the authority of their certificates, or a directory (the system’s)')
    .option('--server-tls-name <name>', 'the name in their certificates (the host of SERVER)')
    .option('--tls-passthrough', 'clients speak TLS with the servers themselves: nothing is pinged')
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
      if (listen !== undefined && config === undefined)
        command.error('error: --listen is for the servers of a --config');
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

  program
    .command('serve')
    .summary('a server to try with, in memory')
    .description(
      'Serves storages to ZEO clients until Ctrl-C. They are in memory, so what is stored is lost.',
    )
    .addOption(
      new Option('-l, --listen <host:port>', 'where; the default host is 127.0.0.1')
        .argParser(listen)
        .default({ host: '127.0.0.1', port: 8100 }, '127.0.0.1:8100'),
    )
    .option('-s, --storage <id...>', 'the ids of the storages', ['1'])
    .action(async ({ listen, storage }: ServeFlags) =>
      onDone(await serve({ listen, storages: [...new Set(storage)] }, output)),
    );

  program
    .command('demo')
    .summary('show what the agent does, on its own servers')
    .description('Shows on its own servers how a connection goes silent, is found dead and is made again.')
    .action(async () => onDone(await demo()));
  return program;
}

interface TargetFlags {
  readonly config?: string;
  readonly allServers?: boolean;
}

async function targetsOf(command: Command, given: readonly string[], { config, allServers }: TargetFlags) {
  if (given.length === 0 && config === undefined)
    command.error("error: missing argument 'ADDRESS' (or --config)");
  const targets = await readTargets(given, config);
  return allServers ? eachServer(targets) : targets;
}

/** Any number: the settings check the range. */
const number = argument(numeric({}));
const seconds = argument(numeric({ least: 0.001, most: 600, unit: 'seconds' }));
const lockSeconds = argument(numeric({ least: 0, unit: 'seconds' }));
const grace = argument(numeric({ least: 0, most: 600, unit: 'seconds' }));
const milliseconds = argument(numeric({ least: 0, unit: 'milliseconds' }));

function argument(type: Datatype<number>): (text: string) => number {
  return (text) => {
    const given = text.trim() === '' ? Number.NaN : Number(text);
    const value = Number.isFinite(given) ? type.read(given) : undefined;
    // Commander adds what was received.
    if (value === undefined) throw new InvalidArgumentError(`Expected ${type.expected}.`);
    return value;
  };
}

function listen(text: string) {
  try {
    return parseListenAddress(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
