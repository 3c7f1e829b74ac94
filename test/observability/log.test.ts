import assert from 'node:assert/strict';
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import winston from 'winston';
import { createLog, type KeepAliveLog } from '#src/observability/log.js';
import type { LogLevel } from '#src/observability/log-sink.js';

const levels: readonly LogLevel[] = ['blather', 'info', 'warn', 'error', 'panic'];

/** What is written to it, line by line. */
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

describe('the log', () => {
  it('writes to a pino logger of the host, with zLOG’s levels and its own subsystem', () => {
    const { stream, records } = capture();
    writeEach(createLog({ logger: pino({ level: 'trace' }, stream) }));
    assert.deepEqual(
      records().map(({ name, level, storage, msg }) => [name, level, storage, msg]),
      [
        ['ZEO KeepAlive', 25, 'main', 'A line at blather'],
        ['ZEO KeepAlive', 30, 'main', 'A line at info'],
        ['ZEO KeepAlive', 40, 'main', 'A line at warn'],
        ['ZEO KeepAlive', 50, 'main', 'A line at error'],
        ['ZEO KeepAlive', 70, 'main', 'A line at panic'],
      ],
    );
  });

  it('uses the levels that a host’s pino has by these names or these values', () => {
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

  it('keeps to the level of a host’s pino, unless it is given one', () => {
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

  it('loses no line to an error whose properties cannot be read', () => {
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

  it('writes an error as the host’s pino writes errors', () => {
    const { stream, records } = capture();
    const logger = pino({ serializers: { err: (error: Error) => `an ${error.message}` } }, stream);
    createLog({ logger }).error({ err: new Error('error') }, 'Failed');
    assert.equal(records()[0].err, 'an error');
  });

  it('writes to winston with message and fields as it wants them, errors included', () => {
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
      records().map(({ name, level, severity, message }) => [name, level, severity, message]),
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

  it('asks winston for its level, and uses the levels that it has by these names', () => {
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

  it('writes to a console message first, without a line for each ping unless asked for', () => {
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

  it('writes to any other logger fields first, and keeps to the level it was given', () => {
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
    const name = 'ZEO KeepAlive';
    assert.deepEqual(calls[1]?.slice(1), [{ name, storage: 'main' }, 'A line at info']);
    assert.deepEqual(calls[4]?.slice(1), [{ name, severity: 'panic', storage: 'main' }, 'A line at panic']);
    calls.length = 0;
    writeEach(createLog({ logger, level: 'warning' }));
    assert.deepEqual(
      calls.map(([name]) => name),
      ['warn', 'error', 'fatal'],
    );
    writeEach(createLog({ logger, level: 'silent' }));
    assert.equal(calls.length, 3);
  });

  it('calls a logger’s methods on the logger', () => {
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

  it('gets no credentials, whatever brings them', () => {
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

  it('does not throw when its logger does', () => {
    const throws = () => {
      throw new Error('logger');
    };
    const logger = { debug: throws, info: throws, warn: throws, error: throws, isLevelEnabled: throws };
    const log = createLog({ logger });
    assert.equal(log.isEnabled('info'), false);
    writeEach(log);
  });
});
