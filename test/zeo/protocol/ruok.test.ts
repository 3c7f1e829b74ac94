import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseStatus, ruokReader, ruokRequest, ServerSession } from '#src/zeo/protocol/index.js';
import { bytes, frame } from './byte-builder.js';
import { expectFault } from './expect-fault.js';
import { eventsOf } from './session-events.js';

describe('The health check', () => {
  it('is recognized by the server session', () => {
    assert.deepEqual(eventsOf(new ServerSession({ encoding: 'Z' }), ruokRequest()), [{ type: 'ruok' }]);
  });

  // testZEO.test_ruok
  it('returns the greeting, then the status of each storage', () => {
    const reader = ruokReader();
    const stream = bytes(frame('M5'), frame('{"1": {"connections": 0, "lock_time": null}}'));
    const events = [...stream].flatMap((byte) => eventsOf(reader, bytes(byte)));
    assert.deepEqual(events, [
      { type: 'handshake', protocol: 'M5' },
      { type: 'status', status: { 1: { connections: 0, lock_time: null } } },
    ]);
  });

  it('rejects a status that is not JSON or has another shape', () => {
    for (const status of ['', '{', '[]', 'null', '{"1": 2}', '{"1": []}', '\xff']) {
      expectFault(() => parseStatus(bytes(status)), 'ERR_ZEO_PROTOCOL', /Malformed server status/);
    }
  });

  it('rejects a status over 4 MiB, and a peer that does not speak ZEO', () => {
    const reader = ruokReader();
    eventsOf(reader, frame('Z5'));
    expectFault(() => eventsOf(reader, bytes(0, 0x40, 0, 1)), 'ERR_ZEO_FRAME_TOO_LARGE');
    expectFault(() => eventsOf(ruokReader(), bytes('HTTP/1.0 400')), 'ERR_ZEO_NOT_ZEO', /HTTP/);
  });
});
