import type { Command } from 'commander';
import { check } from '../check/check.js';
import { statusLine } from '../check/finding.js';
import { oneLine } from '../io/terminal-text.js';
import { lockSeconds, milliseconds, seconds } from './argument-types.js';
import { addresses, type TargetFlags, targetsOf } from './target-arguments.js';

const checkHelp = `${addresses}

Examples:
  $ zeo-keepalive check --warning 50 --critical 500 --timeout 5 zeo1:8100 zeo2:8100
  $ zeo-keepalive check --config etc/zope.conf
  $ zeo-keepalive check --ruok zeo1:8100                      includes the server's own counters

Exit codes: 0 OK, 1 WARNING, 2 CRITICAL (also: unreachable, or no answer in time), 3 UNKNOWN (usage error, or
the result could not be written)`;

interface CheckFlags extends TargetFlags {
  readonly warning?: number;
  readonly critical?: number;
  readonly lockWarning: number;
  readonly lockCritical: number;
  readonly timeout: number;
  readonly ruok?: boolean;
}

export function addCheck(program: Command, onDone: (code: number) => void): void {
  program
    .command('check')
    .summary('check servers once, as a monitoring plugin')
    .description('Connects to each server, registers, pings once, and reports as a monitoring plugin.')
    .argument('[ADDRESS...]', 'servers; the worst result counts')
    .option('-C, --config <file>', 'every <zeoclient> of this zope.conf, or those of a zconfig: URI')
    .option('-a, --all-servers', 'each server of a storage by itself, standbys included')
    .option('-w, --warning <ms>', 'a round trip over this is a warning', milliseconds)
    .option('-c, --critical <ms>', 'a round trip over this is critical', milliseconds)
    .option('--lock-warning <seconds>', 'a commit lock held for longer is a warning', lockSeconds, 60)
    .option('--lock-critical <seconds>', 'a commit lock held for longer is critical', lockSeconds, 300)
    .option(
      '-t, --timeout <seconds>',
      'limit for connecting, registering and the reply together',
      seconds,
      10,
    )
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
}
