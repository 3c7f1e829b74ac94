import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { asAccount, type ServerProgram } from './server-program.js';

/** More than any part of the lab opens at once. */
const mostConnections = 1000;

/** Debian keeps the server's programs out of `PATH`, by version. */
const postgresRoot = '/usr/lib/postgresql';

const postgresql: ServerProgram = {
  debianPackage: 'postgresql',
  executables() {
    const versions = existsSync(postgresRoot) ? readdirSync(postgresRoot) : [];
    const newestFirst = versions.sort((one, other) => Number(other) - Number(one));
    return [...newestFirst.map((version) => path.join(postgresRoot, version, 'bin/postgres')), 'postgres'];
  },
  account: 'postgres',
  prepare(executable, folder) {
    const initdb = path.join(path.dirname(executable), 'initdb');
    const [command = '', ...args] = asAccount('postgres');
    const options = ['--auth=trust', '--username=postgres', '--no-sync', '--encoding=UTF8', '--no-locale'];
    execFileSync(command, [...args, initdb, ...options, `--pgdata=${folder}/data`], {
      cwd: folder,
      stdio: 'pipe',
    });
    writeFileSync(`${folder}/data/pg_hba.conf`, 'host all all 0.0.0.0/0 trust\n');
  },
  args: (folder) => [
    ...['-D', `${folder}/data`, '-h', '*', '-k', '', '-F', '-N', String(mostConnections)],
    // A query whose client has gone ends soon, rather than in a minute.
    ...[
      '-c',
      'client_connection_check_interval=1000',
      '-c',
      'shared_buffers=16MB',
      '-c',
      'max_wal_senders=0',
    ],
  ],
  readyLine: /database system is ready to accept connections/,
  endSignal: 'SIGQUIT',
};

const redis: ServerProgram = {
  debianPackage: 'redis-server',
  executables: () => ['redis-server'],
  account: 'redis',
  args: () => ['--port', '6379', '--bind', '0.0.0.0', '--protected-mode', 'no', '--save', ''],
  readyLine: /Ready to accept connections/,
  endSignal: 'SIGTERM',
};

const mariadb: ServerProgram = {
  debianPackage: 'mariadb-server',
  executables: () => ['mariadbd', '/usr/sbin/mariadbd'],
  account: 'mysql',
  // Without its tables of accounts, so that no database has to be made first.
  args: (folder) => [
    ...['--no-defaults', `--datadir=${folder}`, `--socket=${folder}/socket`, `--pid-file=${folder}/pid`],
    ...['--skip-grant-tables', '--skip-name-resolve', '--bind-address=0.0.0.0', '--port=3306'],
    ...['--innodb-buffer-pool-size=8M', `--max-connections=${mostConnections}`],
  ],
  readyLine: /ready for connections/,
  endSignal: 'SIGKILL',
};

const rabbitmq = {
  debianPackage: 'rabbitmq-server',
  // The one in PATH changes to the account by itself, and drops the environment.
  executables: () => ['/usr/lib/rabbitmq/bin/rabbitmq-server'],
  account: 'rabbitmq',
  prepare(_executable: string, folder: string) {
    writeFileSync(`${folder}/rabbitmq.conf`, 'loopback_users = none\n');
    writeFileSync(`${folder}/plugins`, '[].\n');
  },
  args: () => [],
  env: (folder: string) => ({
    HOME: folder,
    // Its script then becomes Erlang, instead of waiting for it: whoever ends the one ends the other.
    RUNNING_UNDER_SYSTEMD: 'true',
    RABBITMQ_NODENAME: 'lab@localhost',
    RABBITMQ_NODE_PORT: '5672',
    RABBITMQ_MNESIA_BASE: `${folder}/mnesia`,
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: `${folder}/pid`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/plugins`,
    RABBITMQ_CONFIG_FILE: `${folder}/rabbitmq.conf`,
  }),
  readyLine: /Server startup complete/,
  endSignal: 'SIGKILL',
} satisfies ServerProgram;

const mosquitto: ServerProgram = {
  debianPackage: 'mosquitto',
  executables: () => ['mosquitto', '/usr/sbin/mosquitto'],
  account: 'mosquitto',
  // Without a listener in a configuration it accepts only clients of its own computer.
  prepare(_executable, folder) {
    writeFileSync(`${folder}/mosquitto.conf`, 'listener 1883 0.0.0.0\nallow_anonymous true\n');
  },
  args: (folder) => ['-c', `${folder}/mosquitto.conf`],
  readyLine: /mosquitto version \S+ running/,
  endSignal: 'SIGKILL',
};

const nats: ServerProgram = {
  debianPackage: 'nats-server',
  executables: () => ['nats-server', '/usr/sbin/nats-server'],
  account: 'nats',
  args: () => ['--addr', '0.0.0.0'],
  readyLine: /Server is ready/,
  endSignal: 'SIGKILL',
};

export const programs = { postgresql, redis, mariadb, rabbitmq, mosquitto, nats } as const satisfies Record<
  string,
  ServerProgram
>;

export type ProgramName = keyof typeof programs;
