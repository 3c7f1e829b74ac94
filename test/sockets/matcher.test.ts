import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KeepAliveError } from '#src/model/errors.js';
import { SocketMatcher } from '#src/sockets/matcher.js';
import type { Destination } from '#src/sockets/pattern.js';

const read = (value: string) => SocketMatcher.fromVariable(value) as SocketMatcher;

/** `host=address:port`, or `address:port` for a connection that was given an address. */
function destination(text: string): Destination {
  const [, host, address, port] = /^(?:([^=]+)=)?(.+):(\d+)$/.exec(text) as RegExpExecArray;
  return { host, address: address as string, port: Number(port) };
}

const watches = (patterns: string, text: string) => read(patterns).matches(destination(text));

function refuses(act: () => unknown, ...parts: string[]): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof KeepAliveError);
    assert.equal(error.code, 'ERR_KEEPALIVE_INVALID_SETTING');
    for (const part of parts) assert.ok(error.message.includes(part), `${part} in: ${error.message}`);
    return true;
  });
}

describe('ZEO_KEEPALIVE_SOCKETS', () => {
  for (const [patterns, yes, no] of [
    ['all', ['10.0.0.5:5432', 'db.example.org=2001:db8::1:80'], ['127.0.0.1:5432', 'localhost=::1:80']],
    ['10.0.0.5', ['10.0.0.5:1', 'x.org=10.0.0.5:2'], ['10.0.0.6:1']],
    ['10.0.0.5:5432', ['10.0.0.5:5432'], ['10.0.0.5:5433', '10.0.0.6:5432']],
    [':5432', ['10.0.0.5:5432', 'db.org=fd00::1:5432'], ['10.0.0.5:6379', '127.0.0.1:5432']],
    ['*:5432', ['10.0.0.5:5432'], ['10.0.0.5:6379']],
    [
      'db.example.org',
      ['db.example.org=10.0.0.5:1', 'DB.Example.Org.=10.0.0.5:1'],
      ['10.0.0.5:1', 'a.db.example.org=10.0.0.5:1'],
    ],
    [
      '*.example.org:5432',
      ['a.example.org=10.0.0.5:5432', 'a.b.EXAMPLE.org=10.0.0.5:5432'],
      ['example.org=10.0.0.5:5432', 'badexample.org=10.0.0.5:5432', 'a.example.org=10.0.0.5:1'],
    ],
    ['10.0.0.0/8:5432', ['10.255.0.1:5432'], ['11.0.0.1:5432', '10.0.0.1:1']],
    ['[fd00::/8]:6379', ['fd12::1:6379'], ['fe00::1:6379', 'fd12::1:80', '10.0.0.1:6379']],
    ['[fd00::1]', ['fd00::1:1'], ['fd00::2:1']],
    ['[::ffff:10.0.0.0/104]', ['10.1.2.3:1'], ['11.0.0.0:1']],
    ['[::/0]', ['fd00::1:1'], ['10.0.0.5:1', '::1:1']],
    ['0.0.0.0/0', ['10.0.0.5:1'], ['127.0.0.1:1', 'fd00::1:1']],
    [
      'bücher.example',
      ['bücher.example=10.0.0.5:1', 'xn--bcher-kva.example=10.0.0.5:1'],
      ['bucher.example=10.0.0.5:1'],
    ],
    ['db_1', ['db_1=10.0.0.5:1'], ['db_2=10.0.0.5:1']],
    ['!10.0.0.5', ['10.0.0.6:1'], ['10.0.0.5:1', '127.0.0.1:1']],
    ['all, !*.example.org !:443', ['10.0.0.5:1'], ['a.example.org=10.0.0.5:1', '10.0.0.5:443']],
    ['!10.0.0.5 10.0.0.0/24', ['10.0.0.6:1'], ['10.0.0.5:1', '10.0.1.1:1']],
  ] as const) {
    it(`${patterns} decides by the host asked for and the address`, () => {
      for (const text of yes) assert.ok(watches(patterns, text), `${text} is watched`);
      for (const text of no) assert.ok(!watches(patterns, text), `${text} is not watched`);
    });
  }

  it('watches loopback only where a pattern means it', () => {
    for (const patterns of ['127.0.0.1', '127.0.0.0/8', '127.1.0.0/16', 'localhost:5432', 'db.internal'])
      assert.ok(
        ['127.1.0.1', '127.0.0.1'].some((address) =>
          ['localhost', 'db.internal'].some((host) => watches(patterns, `${host}=${address}:5432`)),
        ),
        patterns,
      );
    assert.ok(watches('[::1]:5432', '::1:5432'));
    for (const patterns of ['all', '*', ':5432', '0.0.0.0/0', '126.0.0.0/7', '*.internal', '!10.0.0.1'])
      assert.ok(!watches(patterns, 'db.internal=127.0.0.1:5432'), patterns);
    assert.ok(!watches('[::/0]', '::1:5432'));
  });

  it('is nothing to watch when it is absent or empty', () => {
    for (const value of [undefined, '', '  ']) assert.equal(SocketMatcher.fromVariable(value), undefined);
  });

  for (const text of [
    'db.example.org:0',
    'db.example.org:65536',
    'db.example.org:',
    'db.example.org:x',
    'db..example.org',
    '-db',
    'a.*.org',
    '300.0.0.1',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/x',
    '10.0.0.0/8/8',
    '[10.0.0.1]',
    '[fd00::/129]',
    '[fe80::1%eth0]',
    '[fd00::1',
    '!',
    '!!10.0.0.1',
    ':',
    '[]',
    'x'.repeat(64),
  ]) {
    it(`refuses ${text.slice(0, 20)} by its name`, () => {
      refuses(() => read(`all ${text}`), 'ZEO_KEEPALIVE_SOCKETS', text.slice(0, 30), '*.example.org');
    });
  }

  it('asks for brackets around IPv6', () => {
    refuses(() => read('fd00::1'), 'brackets', '[fd00::1]');
    refuses(() => read('fd00::/8'), 'brackets', '[fd00::/8]');
  });

  it('does not show the password of a URI', () => {
    const secret = /hunter2/;
    assert.throws(
      () => read('postgres://joe:hunter2@db:5432/x'),
      (error: Error) => error.message.includes('db:5432') && !secret.test(error.message),
    );
  });

  it('is read or refused with its code, whatever it is', () => {
    const piece = fc.constantFrom(
      'all',
      '*',
      '.',
      ':',
      '/',
      '[',
      ']',
      '!',
      '10.0.0.1',
      'fd00::',
      'a',
      '5432',
      'é',
      '%',
      '@',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        try {
          SocketMatcher.fromVariable(pieces.join(''))?.matches(destination('a=10.0.0.1:5432'));
        } catch (error) {
          assert.equal((error as KeepAliveError).code, 'ERR_KEEPALIVE_INVALID_SETTING');
        }
      }),
    );
  });
});

describe('only and except', () => {
  const selects = (selection: Parameters<typeof SocketMatcher.fromSelection>[0], text: string) =>
    SocketMatcher.fromSelection(selection).matches(destination(text));

  it('take the patterns as a string or an array', () => {
    for (const only of ['10.0.0.0/8, :443', ['10.0.0.0/8', ':443']]) {
      assert.ok(selects({ only, except: '10.0.0.5' }, '10.0.0.6:1'));
      assert.ok(selects({ only, except: '10.0.0.5' }, '11.0.0.6:443'));
      assert.ok(!selects({ only, except: '10.0.0.5' }, '10.0.0.5:1'));
      assert.ok(!selects({ only, except: ['10.0.0.5'] }, '11.0.0.5:1'));
    }
  });

  it('watch all but loopback when they are left out', () => {
    assert.ok(selects(undefined, '10.0.0.5:1'));
    assert.ok(selects({ except: [] }, '10.0.0.5:1'));
    assert.ok(!selects({}, '127.0.0.1:1'));
  });

  it('are refused when they are something else', () => {
    refuses(() => SocketMatcher.fromSelection({ only: [] }), 'Option only is empty');
    refuses(() => SocketMatcher.fromSelection([]), 'Option sockets: expected patterns such as all');
    refuses(
      () => SocketMatcher.fromSelection({ olny: ':1' } as object),
      'expected one of only, except',
      'olny',
    );
    for (const other of [null, 5, new Map()])
      refuses(
        () => SocketMatcher.fromSelection(other as unknown as string),
        'Option sockets',
        'expected patterns',
      );
    refuses(() => SocketMatcher.fromVariable(','), 'ZEO_KEEPALIVE_SOCKETS', 'expected patterns');
    refuses(() => SocketMatcher.fromSelection({ only: 5 as unknown as string }), 'Option only', '5');
    refuses(() => SocketMatcher.fromSelection({ except: [1] as unknown as string[] }), 'Option except');
    refuses(() => SocketMatcher.fromSelection({ except: '!10.0.0.1' }), 'Option except', '!10.0.0.1');
    refuses(() => SocketMatcher.fromSelection({ except: 'a..b' }), 'Option except', 'a..b');
  });
});

describe('Patterns that match nothing', () => {
  it('are those that no connection has matched so far', () => {
    const matcher = read('10.0.0.0/8 db.example.org !10.0.0.5 :443');
    assert.deepEqual(matcher.unmatched, ['10.0.0.0/8', 'db.example.org', ':443']);
    assert.equal(matcher.matches(destination('10.0.0.6:5432')), true);
    assert.deepEqual(matcher.unmatched, ['db.example.org', ':443']);
    // One connection may be the proof of several, and of those that exclude it.
    assert.equal(matcher.matches(destination('db.example.org=10.0.0.5:443')), false);
    assert.deepEqual(matcher.unmatched, []);
  });

  it('are told from those that only met loopback without meaning it', () => {
    const matcher = read(':5432 db.example.org');
    const both = () => [matcher.unmatched, matcher.unmatchedButOnLoopback];
    assert.equal(matcher.matches(destination('127.0.0.1:80')), false);
    assert.deepEqual(both(), [[':5432', 'db.example.org'], []]);
    assert.equal(matcher.matches(destination('127.0.0.1:5432')), false);
    assert.deepEqual(both(), [['db.example.org'], [':5432']]);
    assert.equal(matcher.matches(destination('10.0.0.1:5432')), true);
    assert.deepEqual(both(), [['db.example.org'], []]);
  });
});
