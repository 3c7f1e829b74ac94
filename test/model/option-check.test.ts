import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveSettings } from '#src/agent/settings.js';
import { KeepAliveError } from '#src/model/errors.js';
import { anything, checkOptions, type Datatype, numeric, oneOf, parsed } from '#src/model/option-check.js';
import { decodeRecord } from '#src/records/decode-record.js';
import { resolveClientOptions } from '#src/zeo/connection/options.js';
import { resolveTls } from '#src/zeo/connection/tls.js';
import { parseZeoUri } from '#src/zeo/storage/uri.js';

describe('A number that an option accepts', () => {
  const ranges: [type: Datatype<number>, expected: string, taken: number[], refused: unknown[]][] = [
    [numeric({}), 'a number', [0, -1.5, Infinity], [Number.NaN, '1', null, 1n]],
    [numeric({ least: 0 }), 'a number from 0', [0, Infinity], [-1, -0.1]],
    [numeric({ most: 9 }), 'a number up to 9', [-Infinity, 9], [9.1]],
    [numeric({ least: 1, most: 9, unit: 'bytes' }), 'a number of bytes from 1 to 9', [1, 9], [0, 10]],
    [numeric({ isWhole: true }), 'a whole number', [-1, 2 ** 53 - 1], [0.5, 2 ** 53, Infinity]],
  ];
  for (const [type, expected, taken, refused] of ranges) {
    it(`is ${expected}`, () => {
      assert.equal(type.expected, expected);
      for (const value of taken) assert.equal(type.read(value), value);
      for (const value of refused) assert.equal(type.read(value), undefined, String(value));
    });
  }
});

describe('Options', () => {
  const types = { size: numeric({ least: 0 }), mode: oneOf('a', 'b'), rest: anything };
  const refused = (options: object, message: string) =>
    assert.throws(() => checkOptions('ERR_ZEO_INVALID_ARGUMENT', options as typeof types, types, 'of.'), {
      code: 'ERR_ZEO_INVALID_ARGUMENT',
      message,
    });

  it('are accepted when they have their type or are undefined', () => {
    const options = { size: undefined, mode: 'b', rest: null };
    checkOptions('ERR_ZEO_INVALID_ARGUMENT', options as unknown as typeof types, types);
  });

  it('are refused with what was expected and what was received', () => {
    refused({ size: -1 }, 'Option of.size: expected a number from 0; received -1');
    refused({ mode: 'c' }, 'Option of.mode: expected one of a, b; received "c"');
    refused({ size: { a: 1 } }, 'Option of.size: expected a number from 0; received { a: number }');
  });

  it('are refused without showing their value when they are unknown', () => {
    for (const name of ['pasword', 'constructor', 'toString']) {
      refused(
        { [name]: 'secret' },
        `Unknown option: expected one of size, mode, rest; received "of.${name}"`,
      );
    }
  });

  it('may be parsed before their type is checked', () => {
    const size = parsed((text: string) => Number(text), types.size);
    assert.deepEqual([size.expected, size.read('3'), size.read('-3')], ['a number from 0', 3, undefined]);
  });
});

describe('A check of user input', () => {
  const secret = 'zeo://admin:hunter2@db:8100/x?password=hunter3';
  const open = (options: object) => resolveClientOptions({ address: 1, ...options } as object);
  const cases: [what: string, set: () => unknown, code: string][] = [
    [
      'the environment',
      () => resolveSettings({}, { ZEO_KEEPALIVE_PERIOD: secret }),
      'ERR_KEEPALIVE_INVALID_SETTING',
    ],
    ['the agent', () => resolveSettings({ level: secret as 'info' }, {}), 'ERR_KEEPALIVE_INVALID_SETTING'],
    [
      'the logger',
      () => resolveSettings({ logger: { secret } as never }, {}),
      'ERR_KEEPALIVE_INVALID_SETTING',
    ],
    ['a storage', () => open({ waitTimeout: secret }), 'ERR_ZEO_INVALID_ARGUMENT'],
    ['TLS', () => resolveTls({ servername: [secret] }), 'ERR_ZEO_INVALID_ARGUMENT'],
    [
      'TLS with a context',
      () => resolveTls({ secureContext: { context: 1 }, key: secret }),
      'ERR_ZEO_INVALID_ARGUMENT',
    ],
    ['a URI', () => parseZeoUri(`zeo://db:1?wait=${encodeURIComponent(secret)}`), 'ERR_ZEO_INVALID_ARGUMENT'],
    ['a record', () => decodeRecord(Buffer.of(), { maxDepth: secret as never }), 'ERR_ZEO_INVALID_ARGUMENT'],
  ];
  for (const [what, set, code] of cases) {
    it(`reports for ${what} what was expected and received, without a password`, () => {
      assert.throws(set, (error) => {
        assert.ok(error instanceof KeepAliveError);
        assert.equal(error.code, code);
        assert.match(error.message, /^[^:]+(?:zeo:\/\/ URI)?: expected .+; received .+$/);
        assert.doesNotMatch(error.message, /hunter/);
        return true;
      });
    });
  }
});
