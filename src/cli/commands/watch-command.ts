import type { Command } from 'commander';
import type { ListenAddress } from '../io/listen-address.js';
import type { Output } from '../io/output.js';
import { watch } from '../watch/watch.js';
import { listen, number } from './argument-types.js';
import { addresses, type TargetFlags, targetsOf } from './target-arguments.js';

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

interface WatchFlags extends TargetFlags {
  readonly period?: number;
  readonly timeout?: number;
  readonly concurrency?: number;
  readonly jitter?: number;
  readonly skipActive?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly metrics?: ListenAddress;
}

/** @param isDefault whether it runs if no command is named @param output where it shows what happens */
export function addWatch(
  program: Command,
  isDefault: boolean,
  output: Output,
  onDone: (code: number) => void,
): void {
  program
    .command('watch', { isDefault })
    .summary('keep the connections to servers alive and show what happens')
    .description('Keeps the connections to these servers alive and shows what happens, until Ctrl-C.')
    .argument('[ADDRESS...]', 'servers')
    .option('-c, --config <file>', 'every <zeoclient> of this zope.conf, or those of a zconfig: URI')
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
    .option(
      '--jitter <fraction>',
      'fraction by which the time until a ping may be shortened at random (0.1)',
      number,
    )
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
}
