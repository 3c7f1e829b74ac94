import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { redact, redactText } from '#src/observability/redaction.js';

describe('Credentials', () => {
  it('are removed from URIs, parameters and headers', () => {
    const texts: Record<string, string> = {
      'zeo://joe:s3cret@db:8100?storage=1': 'zeo://***@db:8100?storage=1',
      'Cannot open "zeo://joe:s3/c?r#et@db:8100" now': 'Cannot open "zeo://***@db:8100" now',
      'https://t0ken@host/path': 'https://***@host/path',
      'zeo://db:8100?username=joe&password=s3cret&storage=1':
        'zeo://db:8100?username=joe&password=***&storage=1',
      "host=db password='s3 cret' user=joe": 'host=db password=*** user=joe',
      '{"password":"hunter2","a":1}': '{"password":***,"a":1}',
      'password: hunter2': 'password: ***',
      'Authorization: Bearer abc.def': 'Authorization: ***',
      'passphrase=hunter2 pwd=hunter2 user=joe': 'passphrase=*** pwd=*** user=joe',
      'secret="hunter2': 'secret=***',
      'password%3Dhunter2': 'password%3D***',
      'zeo://a:b@c and zeo://d:e@f': 'zeo://***@c and zeo://***@f',
    };
    for (const [text, expected] of Object.entries(texts)) assert.equal(redactText(text), expected);
  });

  it('are not mistaken for text that contains none', () => {
    const texts = [
      'Connection for 127.0.0.1:8100 is down',
      'zeo://db:8100?storage=1',
      '[::1]:8100',
      'at file:///app/node_modules/@scope/package/index.js:1:2',
      'mail joe@example.org about http://host/path',
      'a=b, c = d',
    ];
    for (const text of texts) assert.equal(redactText(text), text);
  });

  it('are removed from an error, its causes and its properties', () => {
    class OwnError extends TypeError {
      readonly code = 'ERR_OWN';
      readonly options = {
        url: 'zeo://joe:s3cret@db:8100',
        apiKey: 's3cret',
        passphrase: 's3cret',
        credentials: 's3cret',
        tries: 3,
      };
      readonly headers = { Authorization: 'Basic s3cret' };
    }
    const inner = new Error('inner: password=s3cret');
    const error = new OwnError('Cannot open zeo://joe:s3cret@db:8100', { cause: inner });
    const shown = redact(error);
    assert.ok(shown instanceof OwnError);
    assert.equal(shown.message, 'Cannot open zeo://***@db:8100');
    assert.equal((shown.cause as Error).message, 'inner: password=***');
    assert.equal(shown.options.tries, 3);
    assert.equal(shown.code, 'ERR_OWN');
    assert.doesNotMatch(inspect(shown, { depth: 10, showHidden: true }), /s3cret|joe/);
    assert.match(error.message, /s3cret/, 'the error itself is left as it was');
  });

  it('are removed from the errors of an AggregateError', () => {
    const error = new AggregateError([new Error('zeo://joe:s3cret@db')], 'All failed');
    assert.doesNotMatch(inspect(redact(error), { depth: 10, showHidden: true }), /s3cret/);
  });

  it('are looked for in any value, which is returned as it is without them', () => {
    const error = Object.assign(new Error('lost', { cause: new Error('reset') }), { code: 'ECONNRESET' });
    const fields = { storage: 'main', roundTripMs: 1, reason: undefined, list: [1, 'a'], err: error };
    assert.equal(redact(fields), fields);
  });

  it('do not remain in circular, deep, large or foreign objects', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    redact(circle);
    let deep: object = { url: 'zeo://joe:s3cret@db' };
    for (let i = 0; i < 100; i++) deep = { deep };
    assert.doesNotMatch(inspect(redact(deep), { depth: 200 }), /s3cret/);
    const wide = Array.from({ length: 100_000 }, () => 'zeo://joe:s3cret@db');
    assert.doesNotMatch(inspect(redact({ wide }), { depth: 10, maxArrayLength: null }), /s3cret/);
    const socket = new (class Socket {
      url = 'zeo://joe:s3cret@db';
    })();
    assert.deepEqual(redact({ socket }), { socket: '[Socket]' });
    const cut = redactText(`${'x'.repeat(16_370)} zeo://joe:s3cret@db`);
    assert.doesNotMatch(cut, /joe/);
    assert.ok(cut.length < 16_400);
  });

  it('are searched for in hostile text in a short time', () => {
    const startedAt = performance.now();
    for (const text of [
      'a://'.repeat(1e5),
      `x://${':'.repeat(1e5)}`,
      'password='.repeat(1e5),
      'password="\\'.repeat(1e5),
      `password${' '.repeat(1e5)}`,
      'authorization: a '.repeat(1e5),
      'a'.repeat(1e6),
    ]) {
      redactText(`${text}@`);
    }
    assert.ok(performance.now() - startedAt < 5000);
  });
});
