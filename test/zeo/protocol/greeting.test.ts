import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ErrorCode } from '#src/model/errors.js';
import { ClientSession, ServerSession } from '#src/zeo/protocol/index.js';
import { bytes, frame } from './byte-builder.js';
import { expectFault } from './expect-fault.js';
import { eventsOf } from './session-events.js';

describe('The greeting of a server', () => {
  for (const [greeting, answer] of [
    ['Z5', 'Z5'],
    ['M5', 'M5'],
    ['Z6', 'Z5'],
    ['M51', 'M5'],
  ] as const) {
    it(`${greeting} is answered with ${answer}`, () => {
      const session = new ClientSession();
      assert.equal(session.protocol, undefined);
      assert.deepEqual(eventsOf(session, frame(greeting)), [{ type: 'handshake', protocol: answer }]);
      assert.equal(session.protocol, answer);
      assert.deepEqual(bytes(session.handshakeReply()), frame(answer));
    });
  }

  const refused: [string, Uint8Array, ErrorCode, RegExp][] = [
    [
      'ZEO 4',
      frame('Z4'),
      'ERR_ZEO_PROTOCOL_VERSION',
      /expected version 5 .* announced Z4, which is too old/,
    ],
    [
      'ZEO 3.10',
      frame('Z310'),
      'ERR_ZEO_PROTOCOL_VERSION',
      /expected version 5 .* announced Z310, which is too old/,
    ],
    ['ZEO 3.10.1', frame('Z3101'), 'ERR_ZEO_PROTOCOL_VERSION', /Z3101/],
    [
      'an unknown encoding',
      frame('X5'),
      'ERR_ZEO_PROTOCOL_VERSION',
      /expected encoding Z or M .* announced X5/,
    ],
    ['no version', frame('Z'), 'ERR_ZEO_NOT_ZEO', /not a greeting: received "Z"/],
    ['an empty frame', frame(''), 'ERR_ZEO_NOT_ZEO', /not a greeting/],
    ['a wrong first byte', frame('a5'), 'ERR_ZEO_NOT_ZEO', /received "a5"/],
    ['bytes', frame(bytes(0, 0xff)), 'ERR_ZEO_NOT_ZEO', /received "\\x00\\xff"/],
    [
      'an HTTP server',
      bytes('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'ERR_ZEO_NOT_ZEO',
      /looks like an HTTP server: received "HTTP\/1.1 400/,
    ],
    ['four bytes of HTTP', bytes('HTTP'), 'ERR_ZEO_NOT_ZEO', /HTTP server/],
    ['SSH', bytes('SSH-2.0-OpenSSH_9.2\r\n'), 'ERR_ZEO_NOT_ZEO', /looks like SSH/],
    ['a mail server', bytes('220 mail.example ESMTP'), 'ERR_ZEO_NOT_ZEO', /a protocol of text lines/],
    ['a TLS alert', bytes(0x15, 3, 3, 0, 2, 2, 40), 'ERR_ZEO_NOT_ZEO', /looks like a TLS alert/],
    ['a TLS handshake', bytes(0x16, 3, 1, 2, 0), 'ERR_ZEO_NOT_ZEO', /looks like a TLS handshake/],
    ['a frame of 4 GiB', bytes(0xff, 0xff, 0xff, 0xff), 'ERR_ZEO_NOT_ZEO', /too long for a greeting/],
    ['a frame of 11 bytes', bytes(0, 0, 0, 11), 'ERR_ZEO_NOT_ZEO', /too long for a greeting/],
  ];
  for (const [name, stream, code, message] of refused) {
    it(`is rejected at once if it is ${name}`, () => {
      expectFault(() => eventsOf(new ClientSession(), stream), code, message);
      const session = new ClientSession();
      expectFault(() => [...stream].map((byte) => eventsOf(session, bytes(byte))), code);
    });
  }

  it('is shown in at most 40 printable bytes if it is malformed', () => {
    const stream = bytes('HTTP/1.1 200 OK\r\nX: ', 'y'.repeat(500));
    const { message } = expectFault(() => eventsOf(new ClientSession(), stream), 'ERR_ZEO_NOT_ZEO');
    assert.ok(message.length < 160, message);
    assert.match(message, /^[\x20-\x7e]+$/);
  });
});

describe('The answer of a client', () => {
  it('is either the handshake or the health check', () => {
    const open = () => new ServerSession({ encoding: 'M' });
    assert.deepEqual(bytes(open().greeting()), frame('M5'));
    assert.deepEqual(eventsOf(open(), frame('M5')), [{ type: 'handshake', protocol: 'M5' }]);
    assert.deepEqual(eventsOf(open(), frame('ruok')), [{ type: 'ruok' }]);
  });

  it('is rejected if it is not the announced protocol', () => {
    for (const answer of ['Z5', 'M4', 'M6']) {
      const session = new ServerSession({ encoding: 'M' });
      expectFault(
        () => eventsOf(session, frame(answer)),
        'ERR_ZEO_PROTOCOL_VERSION',
        /expected M5, as announced/,
      );
    }
  });

  it('is rejected if it is another protocol than ZEO', () => {
    const server = () => new ServerSession({ encoding: 'Z' });
    expectFault(() => eventsOf(server(), bytes('GET / HTTP/1.1\r\n')), 'ERR_ZEO_NOT_ZEO', /an HTTP client/);
    expectFault(() => eventsOf(server(), bytes(0x16, 3, 1, 0, 200)), 'ERR_ZEO_NOT_ZEO', /a TLS handshake/);
  });
});
