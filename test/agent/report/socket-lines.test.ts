import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogLines } from '#src/agent/report/log-lines.js';
import { KeepAliveError } from '#src/model/errors.js';
import { createLog } from '#src/observability/log.js';
import type { SocketDeath } from '#src/threads/contract.js';
import { until } from '../../sockets/watching.js';
import { captureLog } from '../captured-log.js';

function setUp() {
  const clock = { nowMs: 0 };
  const { lines, logger } = captureLog();
  const { sockets } = new LogLines(createLog({ logger }), () => clock.nowMs);
  return { clock, lines, sockets };
}

const death: SocketDeath = {
  diagnosis: 'path-or-host-gone',
  unansweredMs: 5000,
  by: 'probes',
  count: 2,
  unacknowledgedBytes: 0,
};
const died = {
  name: 'tcp db:5432',
  address: '10.0.0.5:5432',
  generation: 1,
  error: new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', 'gone'),
  silentMs: 5000,
  timeToDetectMs: 5000,
  diagnosis: death.diagnosis,
  explanation: '',
};

describe('The log lines about sockets', { timeout: 60_000 }, () => {
  it('warn of a destination without a listener once, and of twenty at most', () => {
    const { clock, lines, sockets } = setUp();
    for (; clock.nowMs < 24 * 3_600_000; clock.nowMs += 10_000) sockets.unheard('tcp db:5432');
    assert.equal(lines.length, 1);
    for (let host = 0; host < 100; host++) sockets.unheard(`tcp db${host}:5432`);
    assert.equal(new Set(lines.map(({ msg }) => msg)).size, 20);
    assert.equal(lines.length, 20);
  });

  it('say how many died together when the next line is due', async () => {
    const { clock, lines, sockets } = setUp();
    sockets.logDeath(died, death, true);
    // A millisecond before a line is due.
    clock.nowMs = 59_999;
    for (let count = 0; count < 999; count++) sockets.logDeath(died, death, true);
    const line = 'Connection for tcp db:5432 failed';
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      [line],
    );
    clock.nowMs = 75_000;
    // The timer of the agent does not keep a process.
    const hold = setInterval(() => {}, 1000);
    await until(() => lines.length > 1).finally(() => clearInterval(hold));
    assert.equal(lines[1]?.msg, `${line} 15 s ago (998 lines were held back)`);
    sockets.logDeath(died, death, true);
    clock.nowMs = 200_000;
    sockets.logDeath(died, death, true);
    assert.equal(lines[2]?.msg, `${line} (1 line was held back)`);
    assert.equal(lines.length, 3);
  });
});
