import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SocketWatch } from '#src/loop/socket-watch.js';
import { TcpRow, TcpStates, TcpTimers } from '#src/tcp/tcp-rows.js';
import type { SocketDeath } from '#src/threads/contract.js';
import { ManualClock } from './manual-clock.js';

type Shown = Partial<Omit<TcpRow, 'remoteAddress'>>;

/** A connection whose first unacknowledged bytes were sent again for the fourth time just now. */
const resending: Shown = {
  unacknowledgedBytes: 32,
  timer: TcpTimers.retransmission,
  timerMs: 3200,
  retransmissionTimeoutMs: 3200,
  retransmits: 4,
};
const resentForMs = 400 + 800 + 1600;

const probing: Shown = {
  timer: TcpTimers.keepAlive,
  timerMs: 1000,
  retransmissionTimeoutMs: 200,
  unansweredProbes: 4,
};
const probedForMs = 3000;
/** How much more than they read the timers of the kernel may have left: what is proven is short by it. */
const roundingMs = 20;

/** A connection whose bytes cannot be sent: the peer has no room, or no packet leaves this host. */
const asking: Shown = {
  unacknowledgedBytes: 32,
  timer: TcpTimers.windowProbe,
  timerMs: 1600,
  retransmissionTimeoutMs: 200,
  unansweredProbes: 3,
};

function setUp(timeoutMs: number) {
  const clock = new ManualClock();
  const watch = new SocketWatch(timeoutMs, clock);
  const deaths: (SocketDeath & { slot: number; sequence: number })[] = [];
  let dueInMs = Infinity;
  /** One look that shows these rows of slot 0, after some time. */
  const look = (afterMs: number, ...rows: Shown[]) => {
    clock.passes(afterMs);
    watch.begin(1);
    for (const shown of rows) watch.see(0, sequence, rowOf(shown));
    dueInMs = watch.conclude((slot, sequence, death) => deaths.push({ slot, sequence, ...death }));
  };
  let sequence = 1;
  return {
    clock,
    watch,
    deaths,
    look,
    dueInMs: () => dueInMs,
    replace: () => {
      sequence += 1;
    },
  };
}

function rowOf(shown: Shown): TcpRow {
  return Object.assign(new TcpRow(), { state: TcpStates.established, retransmissionTimeoutMs: 200 }, shown);
}

/** The same `ms` later, with nothing sent meanwhile. */
const later = (shown: Shown, ms: number): Shown => ({ ...shown, timerMs: (shown.timerMs ?? 0) - ms });

describe('A watched socket', () => {
  it('waits for the answer to a second probe after one was lost', () => {
    const { look, deaths, dueInMs } = setUp(1000);
    look(0, { ...probing, unansweredProbes: 1, timerMs: 900 });
    // Just sent: its answer takes a round trip.
    look(930, { ...probing, unansweredProbes: 2, timerMs: 970 });
    assert.deepEqual(deaths, []);
    assert.equal(dueInMs(), 200 + roundingMs);
    look(200 + roundingMs, { ...probing, unansweredProbes: 2, timerMs: 770 - roundingMs });
    assert.equal(deaths.length, 1);
  });

  it('is dead when two looks have seen bytes sent again for the timeout', () => {
    const { deaths, look } = setUp(resentForMs);
    look(0, resending);
    assert.deepEqual(deaths, []);
    look(250, later(resending, 250));
    assert.deepEqual(deaths, [
      {
        slot: 0,
        sequence: 1,
        diagnosis: 'path-or-host-gone',
        unansweredMs: resentForMs + 250,
        by: 'retransmits',
        count: 4,
        unacknowledgedBytes: 32,
      },
    ]);
  });

  it('is dead when two looks have seen probes unanswered for the timeout', () => {
    const { deaths, look } = setUp(probedForMs);
    look(0, probing);
    look(250, later(probing, 250));
    assert.deepEqual(
      deaths.map(({ by, count, unansweredMs }) => [by, count, unansweredMs]),
      [['probes', 4, probedForMs + 250]],
    );
  });

  it('is found dead once', () => {
    const { deaths, look } = setUp(resentForMs);
    for (let ms = 0; ms < 3000; ms += 250) look(250, later(resending, ms));
    assert.equal(deaths.length, 1);
  });

  it('has the rest of the timeout before its verdict is due', () => {
    const { deaths, look, dueInMs } = setUp(resentForMs + 1000);
    look(0, resending);
    assert.equal(dueInMs(), 1000);
    look(999, later(resending, 999));
    assert.deepEqual(deaths, []);
    look(1, later(resending, 1000));
    assert.equal(deaths.length, 1);
    assert.equal(dueInMs(), Infinity);
  });

  it('lives after a single lost probe, until the next is lost as well', () => {
    const { deaths, look, dueInMs } = setUp(100);
    look(0, { ...probing, unansweredProbes: 1, timerMs: 700 });
    assert.ok(dueInMs() >= 700);
    look(600, { ...probing, unansweredProbes: 1, timerMs: 100 });
    assert.deepEqual(deaths, []);
    look(350, { ...probing, unansweredProbes: 2, timerMs: 750 });
    assert.equal(deaths.length, 1);
  });

  const progress: [what: string, before: Shown, after: Shown][] = [
    ['fewer bytes are unacknowledged', resending, { ...later(resending, 250), unacknowledgedBytes: 31 }],
    ['its bytes were sent again less often', resending, { ...later(resending, 250), retransmits: 3 }],
    ['fewer probes are unanswered', probing, { ...probing, unansweredProbes: 3 }],
  ];
  for (const [what, before, after] of progress) {
    it(`begins anew where ${what}`, () => {
      const { deaths, look } = setUp(2000);
      look(0, before);
      look(250, after);
      assert.deepEqual(deaths, []);
    });
  }

  it('begins anew where all was acknowledged between two looks that show the same', () => {
    const once: Shown = { ...resending, retransmits: 1, retransmissionTimeoutMs: 400, timerMs: 400 };
    const { deaths, look } = setUp(1000);
    for (let count = 0; count < 20; count++) look(700, once);
    assert.deepEqual(deaths, []);
  });

  it('begins anew where only the rounding of a timer hides an answer', () => {
    const { deaths, look } = setUp(2000);
    look(0, { ...probing, unansweredProbes: 1 });
    // That probe was answered a millisecond later, and the next one, which was not, is 999 ms old.
    look(2000, { ...probing, unansweredProbes: 1, timerMs: 0 });
    look(250, { ...probing, unansweredProbes: 2, timerMs: 750 });
    assert.deepEqual(deaths, []);
  });

  it('lives while its window is closed, and two probes of it in a row are lost', () => {
    const { deaths, look } = setUp(1000);
    for (let count = 0; count < 20; count++) look(500, { ...asking, unansweredProbes: 2 });
    look(500, asking);
    look(250, { ...asking, unansweredProbes: 0 });
    for (let count = 0; count < 20; count++) look(500, { ...asking, unansweredProbes: 1 });
    assert.deepEqual(deaths, []);
  });

  it('is dead when no window probe is answered for the timeout after the third', () => {
    const { deaths, look, dueInMs } = setUp(2000);
    for (const unansweredProbes of [1, 2]) look(500, { ...asking, unansweredProbes });
    assert.equal(dueInMs(), Infinity);
    look(500, asking);
    assert.deepEqual(deaths, []);
    for (let ms = 0; ms < 2000; ms += 400) look(400, asking);
    assert.deepEqual(
      deaths.map(({ by, count, unansweredMs }) => [by, count, unansweredMs]),
      [['probes', 3, 2000]],
    );
  });

  it('lives while bytes of its peer are unread, and is dead after that', () => {
    const { deaths, look, dueInMs } = setUp(1000);
    for (const shown of [probing, later(probing, 250), resending, later(resending, 250)])
      look(250, { ...shown, unreadBytes: 1 });
    assert.deepEqual(deaths, []);
    assert.equal(dueInMs(), Infinity, 'and no look is due sooner than without evidence');
    look(250, resending);
    look(250, later(resending, 250));
    assert.equal(deaths.length, 1);
  });

  it('lives while bytes are on their way that were not sent again', () => {
    const { deaths, look } = setUp(1000);
    for (let count = 0; count < 20; count++) look(500, { ...resending, retransmits: 0 });
    assert.deepEqual(deaths, []);
  });

  it('is not looked at while it is being connected', () => {
    const { deaths, look } = setUp(1000);
    for (let count = 0; count < 20; count++) look(500, { ...resending, state: 2 });
    assert.deepEqual(deaths, []);
  });

  it('keeps what is proven when a look passes over it', () => {
    const { deaths, look } = setUp(resentForMs + 400);
    look(0, resending);
    look(200);
    look(200, later(resending, 400));
    assert.equal(deaths.length, 1);
  });

  it('is nothing to go by when a look shows it twice', () => {
    const { deaths, look } = setUp(1000);
    look(0, resending);
    for (let count = 0; count < 10; count++) look(250, resending, resending);
    assert.deepEqual(deaths, []);
  });

  it('begins anew in a slot that another had', () => {
    const { deaths, look, replace } = setUp(1000);
    look(0, resending);
    replace();
    look(250, resending);
    assert.deepEqual(deaths, []);
    look(250, later(resending, 250));
    assert.deepEqual(
      deaths.map(({ sequence }) => sequence),
      [2],
    );
  });

  it('is not dead by time that the kernel does not vouch for', () => {
    // The process and the machine were away for a minute, and only the clock went on.
    const { deaths, look } = setUp(30_000);
    look(0, resending);
    look(60_000, later(resending, 3200));
    look(250, later(resending, 3200));
    assert.deepEqual(deaths, []);
  });

  it('is dead soon after a standstill through which the kernel had no answer', () => {
    const { deaths, look, watch } = setUp(10_000);
    watch.startAfresh();
    look(60_000, { ...resending, retransmits: 8, retransmissionTimeoutMs: 51_200, timerMs: 51_000 });
    look(250, { ...resending, retransmits: 8, retransmissionTimeoutMs: 51_200, timerMs: 50_750 });
    assert.equal(deaths.length, 1);
  });

  it('counts retransmissions where the timeout does not double', () => {
    const { deaths, look } = setUp(4000);
    const unreachable = { ...resending, retransmissionTimeoutMs: 200, timerMs: 100, retransmits: 22 };
    look(0, unreachable);
    look(250, unreachable);
    assert.equal(deaths.length, 1);
  });

  it('does not count them where the least timeout is a shorter one', () => {
    const { deaths, look } = setUp(4000);
    const short = { ...resending, retransmissionTimeoutMs: 10, timerMs: 0 };
    look(0, { ...short, retransmits: 0 });
    look(250, { ...short, retransmits: 25 });
    look(250, { ...short, retransmits: 26 });
    assert.deepEqual(deaths, []);
  });
});
