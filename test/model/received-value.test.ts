import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { receivedAddress, receivedValue } from '#src/model/received-value.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';

describe('receivedAddress()', () => {
  const shown: [written: string, shown: string][] = [
    ['localhost', 'localhost'],
    ['localhost:8100', 'localhost:8100'],
    ['zeo://h:70000', 'zeo://h:70000'],
    ['[::1]:8100', '[::1]:8100'],
    ['::1', '::1'],
    ['/run/zeo.sock', '/run/zeo.sock'],
    ['zeo:///run/zeo%20x.sock', 'zeo:///run/zeo%20x.sock'],
    ['http://h/p', 'http://h/p'],
    ['', ''],
    // The rest could be a secret.
    ['h:1?password="hunter2"', 'h:1…'],
    ['h:1?password=hunter 2', 'h:1…'],
    ['zeo://h:1#hunter2', 'zeo://h:1…'],
    ['zeo://h/p?pwd=hunter2', 'zeo://h/p…'],
    ['zeo://h/p&pwd=hunter2', 'zeo://h/p…'],
    ['zeo://h:8100:hunter2', 'zeo://h:8100…'],
    ['zeo://u:hunter2', 'zeo://u:…'],
    ['zeo://u:12hunter', 'zeo://u:…'],
    ['two words:1', 'two…'],
    // User information, wherever it ends.
    ['bob:hunter2@h:1', '***@h:1'],
    ['zeo://bob:hun@ter/2@h', 'zeo://***@h'],
    ['zeo:\n//u:hunter2@h', '***@h'],
    ['zeo://bob:hun?ter@h', 'zeo://…'],
    ['zeo://h?password=hun@ter', 'zeo://…'],
    ['zeo://bob:hunter2@h:1?password=hunter2', 'zeo://***@h:1…'],
  ];
  for (const [written, text] of shown) {
    it(`shows ${JSON.stringify(written)} as ${text}`, () => {
      assert.equal(receivedAddress(written), JSON.stringify(text));
    });
  }

  it('shortens a long address without taking long for it', () => {
    for (const long of ['a'.repeat(1e6), `/${'a/'.repeat(1e6)}`, ':'.repeat(1e6), '@'.repeat(1e6)]) {
      assert.ok(receivedAddress(long).length < 130);
    }
  });
});

describe('receivedValue()', () => {
  const shown: [value: unknown, shown: string][] = [
    ['pong', '"pong"'],
    ['a"b\n', '"a\\"b\\n"'],
    ['x'.repeat(50), `"${'x'.repeat(40)}…"`],
    ['see zeo://u:hunter2@h', '"***@h"'],
    [-1.5, '-1.5'],
    [undefined, 'undefined'],
    [null, 'null'],
    [2n ** 70n, '1180591620717411303424'],
    [Symbol('s'), 'Symbol(s)'],
    [() => 'hunter2', 'a function'],
    [new Uint8Array(7), 'Uint8Array(7)'],
    [[], '[]'],
    [['hunter2', null, [1]], '[string, null, array]'],
    [{}, '{}'],
    [{ host: 'h', port: 1, 'pass word': "hunter'2" }, '{ host: string, port: number, "pass word": string }'],
    [new Map([['password', 'hunter2']]), '{}'],
  ];
  for (const [value, text] of shown) {
    it(`shows ${text.slice(0, 60)}`, () => assert.equal(receivedValue(value), text));
  }

  it('shows only the first properties of a large object', () => {
    const large = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key${i}`, i]));
    assert.ok(receivedValue(large).length <= 121);
  });
});

describe('An error of ClientStorage.open about invalid options', () => {
  for (const options of [
    { address: { host: 'h', port: 1, auth: 'hunter2' } },
    { address: 'h:1', storage: { password: "hunter'2" } },
    { address: 'h:1', passphrase: 'hunter2' },
    { address: 'h:1', addresses: ['hunter2'] },
    'zeo://h:70000?password="hunter2"',
    'zeo://h:8100:hunter2',
  ]) {
    it(`shows no value of ${Object.keys(options).length > 5 ? options : JSON.stringify(options)}`, async () => {
      await assert.rejects(
        ClientStorage.open(options as string),
        (error: Error) => !/hunter/.test(error.message),
      );
    });
  }
});
