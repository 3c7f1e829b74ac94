import { Command, Option } from 'commander';
import { version } from '../model/version.js';
import { listen } from './commands/argument-types.js';
import { addCheck } from './commands/check-command.js';
import { addGuard } from './commands/guard-command.js';
import { addresses } from './commands/target-arguments.js';
import { addWatch } from './commands/watch-command.js';
import { demo } from './demo.js';
import type { ListenAddress } from './io/listen-address.js';
import type { Output } from './io/output.js';
import { serve } from './serve.js';

const examples = `
Examples:
  $ zeo-keepalive demo                                        shows what it does; needs no server
  $ zeo-keepalive serve                                       a server in memory, on 127.0.0.1:8100
  $ zeo-keepalive watch zeo1:8100 zeo2:8100                   a live table; Ctrl-C ends it
  $ zeo-keepalive watch --config etc/zope.conf                every <zeoclient> of a Zope or Plone
  $ zeo-keepalive check --warning 50 --critical 500 zeo1:8100 for Nagios, Icinga, Sensu, …
  $ zeo-keepalive check --ruok 'zeo:///run/zeo.sock?storage=main'
  $ zeo-keepalive guard 127.0.0.1:8100=zeo1:8100              for Zope, Plone, any client: see guard --help
${addresses}
Settings without an option are read from the environment: ZEO_KEEPALIVE_PERIOD, ZEO_KEEPALIVE_TIMEOUT, …`;

interface ServeFlags {
  readonly listen: ListenAddress;
  readonly storage: readonly string[];
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
    .description('Keeps connections to ZEO servers alive, and finds out within seconds when one is dead')
    .version(version, '-V, --version')
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', examples);
  addWatch(program, !bareWord.test(first), output, onDone);
  addCheck(program, onDone);
  addGuard(program, output, onDone);

  program
    .command('serve')
    .summary('serve storages in memory, to try things out')
    .description('Serves storages in memory to ZEO clients until Ctrl-C; then all that was stored is lost.')
    .addOption(
      new Option('-l, --listen <host:port>', 'where to listen; the default host is 127.0.0.1')
        .argParser(listen)
        .default({ host: '127.0.0.1', port: 8100 }, '127.0.0.1:8100'),
    )
    .option('-s, --storage <id...>', 'the ids of the storages', ['1'])
    .action(async ({ listen, storage }: ServeFlags) =>
      onDone(await serve({ listen, storages: [...new Set(storage)] }, output)),
    );

  program
    .command('demo')
    .summary('show what the agent does, with servers of its own')
    .description('Shows with servers of its own how a connection goes silent, is found dead and is replaced.')
    .action(async () => onDone(await demo()));
  return program;
}
