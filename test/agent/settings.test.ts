import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type KeepAliveOptions, resolveSettings } from '#src/agent/settings.js';
import { KeepAliveError } from '#src/model/errors.js';

const resolve = (env: Record<string, string>, options: KeepAliveOptions = {}) =>
  resolveSettings(options, env);

describe('Settings', () => {
  it('come from the environment, in seconds that may be decimal', () => {
    const { settings, warnings } = resolve({
      ZEO_KEEPALIVE_PERIOD: '2.5',
      ZEO_KEEPALIVE_TIMEOUT: '.25',
      ZEO_KEEPALIVE_HANG_TIMEOUT: '12.5',
      ZEO_KEEPALIVE_CONCURRENCY: '7',
      ZEO_KEEPALIVE_JITTER: '0',
      ZEO_KEEPALIVE_SKIP_ACTIVE: 'yes',
      ZEO_KEEPALIVE_LOG_LEVEL: 'BLATHER',
    });
    assert.deepEqual(settings, {
      periodMs: 2500,
      timeoutMs: 250,
      hangTimeoutMs: 12_500,
      concurrency: 7,
      jitter: 0,
      skipActive: true,
      sockets: undefined,
      worker: undefined,
      level: 'blather',
    });
    assert.deepEqual(warnings, []);
  });

  it('accept the worker as a path, as a URL and as the text of a URL', () => {
    const worker = new URL('../../workers/keep-alive.worker.js', import.meta.url);
    for (const given of [
      fileURLToPath(worker),
      path.relative('', fileURLToPath(worker)),
      worker,
      worker.href,
    ])
      assert.equal(resolve({}, { period: 1, worker: given }).settings?.worker?.href, worker.href);
  });

  it('are taken from options rather than the environment', () => {
    const { settings } = resolve({ ZEO_KEEPALIVE_PERIOD: '30' }, { period: 10, skipActive: true });
    assert.equal(settings?.periodMs, 10_000);
    assert.equal(settings?.skipActive, true);
  });

  it('have a default timeout of the period, but five seconds at most', () => {
    assert.equal(resolve({ ZEO_KEEPALIVE_PERIOD: '30' }).settings?.timeoutMs, 5000);
    assert.equal(resolve({ ZEO_KEEPALIVE_PERIOD: '2' }).settings?.timeoutMs, 2000);
  });

  it('have no hang timeout unless it is set, and warn of one shorter than the timeout', () => {
    assert.equal(resolve({ ZEO_KEEPALIVE_PERIOD: '30' }).settings?.hangTimeoutMs, undefined);
    const { settings, warnings } = resolve({ ZEO_KEEPALIVE_HANG_TIMEOUT: '4' }, { period: 30 });
    assert.equal(settings?.hangTimeoutMs, 4000);
    assert.deepEqual(warnings, [
      'ZEO_KEEPALIVE_HANG_TIMEOUT has no effect: it is shorter than the timeout of 5 s',
    ]);
  });

  for (const period of [undefined, '', '  ', '0', '-3', '-0.5']) {
    it(`do not start the agent when the period is ${JSON.stringify(period)}`, () => {
      assert.equal(resolve(period === undefined ? {} : { ZEO_KEEPALIVE_PERIOD: period }).settings, undefined);
    });
  }

  const wrong: [variable: string, values: string[]][] = [
    ['ZEO_KEEPALIVE_PERIOD', ['soon', '1,5', '30s', 'NaN', 'Infinity', '0x10', '1e400', '2147484']],
    ['ZEO_KEEPALIVE_TIMEOUT', ['-1', '0', 'x', '2147484']],
    ['ZEO_KEEPALIVE_HANG_TIMEOUT', ['-1', '0', 'x', '2147484']],
    ['ZEO_KEEPALIVE_CONCURRENCY', ['0', '-1', '1.5', 'many', '65537']],
    ['ZEO_KEEPALIVE_JITTER', ['-0.1', '1.1', 'x']],
    ['ZEO_KEEPALIVE_SKIP_ACTIVE', ['maybe', '2']],
    ['ZEO_KEEPALIVE_WORKER', ['worker.js', '/etc', 'file://host/worker.js', 'https://example.org/worker.js']],
    ['ZEO_KEEPALIVE_LOG_LEVEL', ['loud', 'constructor', '25']],
  ];
  for (const [variable, values] of wrong) {
    for (const value of values) {
      it(`refuse ${variable}=${value}, and say what is accepted`, () => {
        assert.throws(
          // Also if the agent is not to be started.
          () => resolve({ [variable]: value }),
          (error) =>
            error instanceof KeepAliveError &&
            error.code === 'ERR_KEEPALIVE_INVALID_SETTING' &&
            error.message.startsWith(`${variable}: expected `) &&
            error.message.endsWith(`; received "${value}"`),
        );
      });
    }
  }

  it('refuse invalid options, and say what is accepted', () => {
    for (const options of [{ period: Number.NaN }, { timeout: -1 }, { jitter: '5' }, { concurrency: {} }]) {
      const [name] = Object.keys(options);
      assert.throws(
        () => resolve({}, options as unknown as KeepAliveOptions),
        (error) => error instanceof KeepAliveError && error.message.startsWith(`Option ${name}: expected `),
      );
    }
  });

  const unlikely: [variable: string, value: string, warning: string][] = [
    ['ZEO_KEEPALIVE_PERIOD', '30000', 'is 30000 s (8 h 20 min); the unit is seconds, not milliseconds'],
    ['ZEO_KEEPALIVE_PERIOD', '2147483', 'is 2147483 s (24 d 21 h); the unit is seconds, not milliseconds'],
    ['ZEO_KEEPALIVE_PERIOD', '0.0001', 'is 0.0001 s (0.1 ms); the unit is seconds'],
    ['ZEO_KEEPALIVE_TIMEOUT', '3600', 'is 3600 s (1 h); the unit is seconds, not milliseconds'],
    ['ZEO_KEEPALIVE_TIMEOUT', '1000', 'is 1000 s (16 min 40 s); the unit is seconds, not milliseconds'],
    ['ZEO_KEEPALIVE_TIMEOUT', '.0015', 'is 0.0015 s (1.5 ms); the unit is seconds'],
  ];
  for (const [variable, value, warning] of unlikely) {
    it(`accept ${variable}=${value} with a warning about its unit`, () => {
      const { settings, warnings } = resolve({ ZEO_KEEPALIVE_PERIOD: '30', [variable]: value });
      assert.deepEqual(warnings, [`${variable} ${warning}`]);
      assert.notEqual(settings, undefined);
    });
  }

  it('name the option in a warning about the unit of an option', () => {
    const { warnings } = resolve({ ZEO_KEEPALIVE_PERIOD: '30' }, { period: 5000, timeout: 5000 });
    assert.deepEqual(warnings, [
      'Option period is 5000 s (1 h 23 min); the unit is seconds, not milliseconds',
      'Option timeout is 5000 s (1 h 23 min); the unit is seconds, not milliseconds',
    ]);
  });

  it('do not warn about durations that are unusual but plausible', () => {
    for (const [period, timeout] of [
      [3600, 600],
      [0.01, 0.01],
      [1800, undefined],
      [0, 5],
      [-1, 5],
    ])
      assert.deepEqual(resolve({}, { period, timeout }).warnings, []);
  });

  it('warn about an environment variable that is unknown', () => {
    const { warnings } = resolve({ ZEO_KEEPALIVE_PERIODE: '30' });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /ZEO_KEEPALIVE_PERIODE.*ZEO_KEEPALIVE_PERIOD/);
  });
});
