import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RecentDeaths } from '#src/cli/guard-status/recent-deaths.js';
import { KeepAliveError } from '#src/model/errors.js';
import type { ConnectionDiedEvent } from '#src/model/events.js';

const event: ConnectionDiedEvent = {
  ...{ name: '127.0.0.1:8100 #1', address: 'zeo1:8100', generation: 1 },
  ...{ error: new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', 'silent'), silentMs: 1000, timeToDetectMs: 1500 },
  ...{ diagnosis: 'peer-hangs', explanation: 'hangs' },
};
const at = (seconds: number) => new Date(seconds * 1000);

describe('RecentDeaths', () => {
  it('counts connections that died together as one death', () => {
    const deaths = new RecentDeaths();
    deaths.record('one', 'zeo1:8100', event, at(0));
    deaths.record('one', 'zeo1:8100', { ...event, silentMs: 1200 }, at(5));
    deaths.record('one', 'zeo2:8100', event, at(6));
    deaths.record('one', 'zeo1:8100', { ...event, diagnosis: 'unknown' }, at(7));
    deaths.record('one', 'zeo1:8100', event, at(60));
    assert.deepEqual(
      deaths.latest.map(({ server, connections, silentMs }) => [server, connections, silentMs]),
      [
        ['zeo1:8100', 1, 1000],
        ['zeo1:8100', 1, 1000],
        ['zeo2:8100', 1, 1000],
        ['zeo1:8100', 2, 1200],
      ],
    );
    assert.deepEqual(deaths.latest.at(-1)?.at, at(0));
  });

  it('keeps the latest twenty', () => {
    const deaths = new RecentDeaths();
    for (let count = 1; count <= 25; count++) deaths.record('one', `zeo${count}:8100`, event);
    assert.deepEqual([deaths.latest.length, deaths.latest[0]?.server], [20, 'zeo25:8100']);
  });
});
