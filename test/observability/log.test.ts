import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { Console } from 'node:console';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import winston from 'winston';
import { createLog, type KeepAliveLog } from '#src/observability/log.js';
import type { LogLevel } from '#src/observability/log-sink.js';

const noFullDisk = existsSync('/dev/full') ? false : 'there is no /dev/full';

const levels: readonly LogLevel[] = ['blather', 'info', 'warn', 'error', 'panic'];

/** A stream that collects the lines written to it. */
function capture() {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(...String(chunk).trimEnd().split('\n'));
      done();
    },
  });
  return { stream, lines, records: () => lines.map((line) => JSON.parse(line)) };
}

function writeEach(log: KeepAliveLog): void {
  for (const level of levels) log[level]({ storage: 'main' }, `A line at ${level}`);
}

describe('The log', () => {
  it('writes to the host’s pino with zLOG’s levels and the subsystem', () => {
    const { stream, records } = capture();
    writeEach(createLog({ logger: pino({ level: 'trace' }, stream) }));
    assert.deepEqual(
      records().map(({ subsystem, level, storage, msg }) => [subsystem, level, storage, msg]),
      [
        ['ZEO KeepAlive', 25, 'main', 'A line at blather'],
        ['ZEO KeepAlive', 30, 'main', 'A line at info'],
        ['ZEO KeepAlive', 40, 'main', 'A line at warn'],
        ['ZEO KeepAlive', 50, 'main', 'A line at error'],
        ['ZEO KeepAlive', 70, 'main', 'A line at panic'],
      ],
    );
  });

  it('leaves the fields of the host’s pino alone: no key occurs twice', () => {
    const { stream, lines, records } = capture();
    const logger = pino({ name: 'my-app', level: 'trace' }, stream);
    const log = createLog({ logger });
    writeEach(log);
    log.error({ storage: 'main', err: new Error('lost') }, 'Failed');
    for (const line of lines) {
      const { err: _, ...own } = JSON.parse(line);
      for (const key of Object.keys(own))
        assert.equal(line.split(`"${key}":`).length, 2, `${key} in ${line}`);
    }
    assert.deepEqual(
      new Set(records().map(({ name, subsystem }) => `${name} ${subsystem}`)),
      new Set(['my-app ZEO KeepAlive']),
    );
  });

  it('uses levels of the host’s pino that have these names or values', () => {
    const { stream, records } = capture();
    const customLevels = { notice: 25, panic: 65 };
    const logger = pino(
      { level: 'trace', customLevels, formatters: { level: (level) => ({ level }) } },
      stream,
    );
    writeEach(createLog({ logger }));
    assert.deepEqual(
      records().map(({ level }) => level),
      ['notice', 'info', 'warn', 'error', 'panic'],
    );
  });

  it('keeps to the level of the host’s pino, unless one is set', () => {
    const { stream, records } = capture();
    const logger = pino({ level: 'warn' }, stream);
    const log = createLog({ logger });
    assert.equal(log.isEnabled('info'), false);
    writeEach(log);
    assert.equal(records().length, 3);
    const chatty = createLog({ logger, level: 'blather' });
    assert.equal(chatty.isEnabled('blather'), true);
    writeEach(chatty);
    assert.equal(records().length, 8);
  });

  it('writes the line of an error whose properties cannot be read', () => {
    const { stream, records } = capture();
    const log = createLog({ logger: pino(stream) });
    const throws = () => {
      throw new Error('getter');
    };
    const error = Object.defineProperty(new Error('lost'), 'detail', { get: throws, enumerable: true });
    log.error({ err: error }, 'Failed');
    log.error({ err: new Proxy({}, { ownKeys: throws }) }, 'Failed beyond words');
    assert.deepEqual(
      records().map(({ msg, err }) => [msg, err?.message]),
      [
        ['Failed', 'lost'],
        ['Failed beyond words', undefined],
      ],
    );
  });

  it('writes an error with the serializer of the host’s pino', () => {
    const { stream, records } = capture();
    const logger = pino({ serializers: { err: (error: Error) => `an ${error.message}` } }, stream);
    createLog({ logger }).error({ err: new Error('error') }, 'Failed');
    assert.equal(records()[0].err, 'an error');
  });

  it('writes to winston the message first, then the fields and the error', () => {
    const { stream, records } = capture();
    const logger = winston.createLogger({
      level: 'debug',
      format: winston.format.json(),
      transports: [new winston.transports.Stream({ stream })],
    });
    const log = createLog({ logger });
    writeEach(log);
    log.error({ err: new Error('lost', { cause: new Error('reset') }) }, 'Failed');
    assert.deepEqual(
      records().map(({ subsystem, level, severity, message }) => [subsystem, level, severity, message]),
      [
        ['ZEO KeepAlive', 'debug', 'blather', 'A line at blather'],
        ['ZEO KeepAlive', 'info', undefined, 'A line at info'],
        ['ZEO KeepAlive', 'warn', undefined, 'A line at warn'],
        ['ZEO KeepAlive', 'error', undefined, 'A line at error'],
        ['ZEO KeepAlive', 'error', 'panic', 'A line at panic'],
        ['ZEO KeepAlive', 'error', undefined, 'Failed'],
      ],
    );
    assert.equal(records()[1].storage, 'main');
    assert.equal(records()[5].err.message, 'lost: reset');
  });

  it('keeps to winston’s level, and uses its levels of these names', () => {
    const { stream, records } = capture();
    const logger = winston.createLogger({
      levels: { panic: 0, error: 1, warn: 2, info: 3, blather: 4, debug: 5 },
      level: 'info',
      format: winston.format.json(),
      transports: [new winston.transports.Stream({ stream })],
    });
    const log = createLog({ logger });
    assert.equal(log.isEnabled('blather'), false);
    writeEach(log);
    assert.deepEqual(
      records().map(({ level, severity }) => [level, severity]),
      [
        ['info', undefined],
        ['warn', undefined],
        ['error', undefined],
        ['panic', undefined],
      ],
    );
  });

  it('writes to a console message first, without the lines of each ping', () => {
    const { stream, lines } = capture();
    const logger = new Console(stream);
    const log = createLog({ logger });
    writeEach(log);
    log.error({ storage: 'main', err: new Error('lost') }, 'Failed');
    assert.match(lines[0] ?? '', /^A line at info \{.*storage: 'main'/);
    const failed = lines.findIndex((line) => line.startsWith('Failed'));
    assert.match(lines.slice(failed).join('\n'), /Error: lost\n\s+at /);
    assert.doesNotMatch(lines.join('\n'), /blather/);
    createLog({ logger, level: 'blather' }).blather({}, 'A ping');
    assert.match(lines.at(-1) ?? '', /^A ping \{.*severity: 'blather'/);
  });

  it('writes to any other logger fields first, from the level that is set', () => {
    const calls: [method: string, fields: object, message: string][] = [];
    const method = (name: string) => (fields: object, message: string) => calls.push([name, fields, message]);
    const logger = {
      debug: method('debug'),
      info: method('info'),
      warn: method('warn'),
      error: method('error'),
      fatal: method('fatal'),
    };
    writeEach(createLog({ logger }));
    assert.deepEqual(
      calls.map(([name]) => name),
      ['debug', 'info', 'warn', 'error', 'fatal'],
    );
    const subsystem = 'ZEO KeepAlive';
    assert.deepEqual(calls[1]?.slice(1), [{ subsystem, storage: 'main' }, 'A line at info']);
    assert.deepEqual(calls[4]?.slice(1), [
      { subsystem, severity: 'panic', storage: 'main' },
      'A line at panic',
    ]);
    calls.length = 0;
    writeEach(createLog({ logger, level: 'warning' }));
    assert.deepEqual(
      calls.map(([name]) => name),
      ['warn', 'error', 'fatal'],
    );
    writeEach(createLog({ logger, level: 'silent' }));
    assert.equal(calls.length, 3);
  });

  it('calls the methods of a logger with the logger as `this`', () => {
    class HostLogger {
      readonly lines: string[] = [];
      debug(_fields: object, message: string) {
        this.lines.push(message);
      }
      readonly info = this.debug;
      readonly warn = this.debug;
      readonly error = this.debug;
    }
    const logger = new HostLogger();
    writeEach(createLog({ logger }));
    assert.equal(logger.lines.length, 5);
  });

  it('contains no credentials, wherever they come from', () => {
    const { stream, lines } = capture();
    const error = new Error('Cannot open zeo://joe:s3cret@db', { cause: new Error('password=s3cret') });
    const fields = { storage: 'zeo://joe:s3cret@db', reason: 'at zeo://joe:s3cret@db', err: error };
    const loggers = [
      pino({ level: 'trace' }, stream),
      new Console(stream),
      winston.createLogger({ transports: [new winston.transports.Stream({ stream })] }),
    ];
    for (const logger of loggers)
      createLog({ logger }).error(fields, 'Connection for zeo://joe:s3cret@db is down');
    assert.doesNotMatch(lines.join('\n'), /s3cret|joe/);
    assert.equal(lines.join('\n').match(/Connection for zeo:\/\/\*\*\*@db is down/g)?.length, 3);
  });

  const fails = () => {
    throw new Error('the log server\nis down, password=s3cret');
  };
  const rejects = () => Promise.reject(new Error('the log server\nis down, password=s3cret'));
  const rejectsInItsOwnWay = () => ({
    // biome-ignore lint/suspicious/noThenProperty: it is the point
    then: (_: unknown, no: (reason: Error) => void) => no(new Error('down')),
  });
  const broken: Readonly<Record<string, () => unknown>> = { fails, rejects, rejectsInItsOwnWay };
  for (const [how, method] of Object.entries(broken)) {
    it(`reports once, in a plain line, that its logger ${how.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`, async () => {
      const reported: string[] = [];
      const logger = { debug: method, info: method, warn: method, error: method };
      const log = createLog({ logger }, (line) => reported.push(line));
      writeEach(log);
      writeEach(log);
      // By then Node would have reported an unhandled rejection.
      await turn();
      assert.equal(reported.length, 1);
      assert.match(reported[0] ?? '', /^zeo-keepalive cannot write its log: Error: .*down[^\n]*$/);
      assert.doesNotMatch(reported[0] ?? '', /s3cret/);
    });
  }

  it('reports that asking its logger for the level fails, at once or later', async () => {
    for (const isLevelEnabled of [fails, rejects]) {
      const reported: string[] = [];
      const logger = { debug() {}, info() {}, warn() {}, error() {}, isLevelEnabled };
      const log = createLog({ logger }, (line) => reported.push(line));
      assert.equal(log.isEnabled('info'), isLevelEnabled === rejects);
      writeEach(log);
      await turn();
      assert.equal(reported.length, 1);
    }
  });
});

describe('The log of a bundle without pino', () => {
  /** Runs a host that writes with the sink. Its standard error is read once it has written to its standard output. */
  async function host(code: string, last: string) {
    const url = (file: string) => JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href);
    const imports = `import { jsonSink } from ${url('observability/json-sink.js')};
      import { KeepAliveError } from ${url('model/errors.js')};
      const sink = jsonSink(() => 0);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', imports + code], {
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    const closed = once(child, 'close');
    await once(child.stdout, 'data');
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr += chunk;
      if (stderr.includes(last)) child.stdin.end();
    });
    assert.deepEqual(await closed, [0, null]);
    // The last one may not be complete.
    const lines = stderr.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }

  it('has the causes of an error, as with pino', async () => {
    const [line] = await host(
      `
      const cause = new TypeError('lost', { cause: new Error('reset') });
      const err = new KeepAliveError('ERR_KEEPALIVE_WORKER_LOST', 'ended', { cause });
      sink.write('panic', { err, big: 1n }, 'A line');
      console.log('written');`,
      '\n',
    );
    const { stack, ...shown } = line.err;
    assert.deepEqual(shown, {
      type: 'KeepAliveError',
      message: 'ended: lost: reset',
      code: 'ERR_KEEPALIVE_WORKER_LOST',
    });
    assert.match(
      stack,
      /^KeepAliveError: ended\n(.*\n)*caused by: TypeError: lost\n(.*\n)*caused by: Error: reset\n/,
    );
    assert.deepEqual([line.level, line.big, line.msg], [70, '1', 'A line']);
  });

  it('keeps the lines that a full pipe does not take for later', async () => {
    const lines = await host(
      `// As any output of the application: from then on the pipe does not block.
      process.stderr.write('{"number":-1}\\n');
      const filler = 'x'.repeat(1000);
      for (let number = 0; number < 500; number++) sink.write('info', { number, filler }, 'A line');
      console.log('written');
      const timer = setInterval(() => sink.write('info', {}, 'Another line'), 5);
      process.stdin.resume().on('end', () => clearInterval(timer));`,
      '"number":499,',
    );
    assert.deepEqual(
      lines.slice(0, 501).map(({ number }) => number),
      Array.from({ length: 501 }, (_, index) => index - 1),
    );
  });
});

describe('The log on standard error', () => {
  const later = `setTimeout(() => console.log('goes on'), 50);`;

  /** Runs a host that logs a line, waits a while and exits by itself; resolves to its standard output. */
  async function host(stderr: 'pipe' | number, flags: readonly string[] = [], end = later) {
    const url = new URL('../../src/observability/log.js', import.meta.url).href;
    const code = `import { createLog } from ${JSON.stringify(url)};
      const log = createLog({});
      for (let number = 0; number < 3; number++) log.info({ number }, 'A line');
      ${end}`;
    const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', code], {
      stdio: ['ignore', 'pipe', stderr],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    const text = { stdout: '', stderr: '' };
    child.stdout?.setEncoding('utf8').on('data', (chunk) => (text.stdout += chunk));
    child.stderr?.setEncoding('utf8').on('data', (chunk) => (text.stderr += chunk));
    const [exitCode] = await once(child, 'close');
    return { exitCode, ...text };
  }

  it('has its first lines before a warning, at once', async () => {
    const killed = "log.warn({ number: 3 }, 'A warning'); process.kill(process.pid, 'SIGKILL');";
    const { stderr } = await host('pipe', [], killed);
    const lines = stderr.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).number),
      [0, 1, 2, 3],
    );
  });

  it('dates a line that has waited by when it was logged', async () => {
    const block =
      "const until = Date.now() + 600; while (Date.now() < until); log.warn({ until }, 'A warning');";
    const { stderr } = await host('pipe', [], block);
    const records = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const warning = records.at(-1);
    assert.ok(records[0].time <= warning.until - 600, stderr);
    assert.ok(warning.time >= warning.until, stderr);
  });

  it('has the field `subsystem` in each of its lines', async () => {
    const { stderr } = await host('pipe');
    const records = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      records.map(({ subsystem, pid, number, msg }) => [subsystem, typeof pid, number, msg]),
      [0, 1, 2].map((number) => ['ZEO KeepAlive', 'number', number, 'A line']),
    );
  });

  it('reports once that pino does not work, as with frozen intrinsics', async () => {
    const { stdout, stderr } = await host('pipe', ['--frozen-intrinsics', '--no-warnings']);
    assert.equal(stdout, 'goes on\n');
    assert.match(stderr, /^zeo-keepalive cannot write its log: TypeError: [^\n]*prepareStackTrace[^\n]*\n$/);
  });

  it('does not keep a host alive whose standard error is on a full disk', { skip: noFullDisk }, async () => {
    const full = openSync('/dev/full', 'w');
    try {
      assert.deepEqual(await host(full), { exitCode: 0, stdout: 'goes on\n', stderr: '' });
    } finally {
      closeSync(full);
    }
  });
});
