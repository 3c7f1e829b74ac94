import type { Stall } from '#src/model/events.js';
import type { Diagnosis, ReadTcpTable } from '#src/tcp/diagnosis.js';
import { TcpStates, TcpTimers } from '#src/tcp/tcp-rows.js';
import type { Board } from '#src/threads/board.js';
import type { Conclusion, PingHost } from '#src/threads/contract.js';
import type { ManualClock } from './manual-clock.js';

/** The behaviour of a simulated peer. */
export interface Peer {
  /** After how many milliseconds its reply reaches our kernel; `undefined`: never. */
  answersAfterMs: number | undefined;
  /** How many bytes may be on their way before its pings; absent when unknown. */
  ahead?: number;
  /** Until then an upload is going out before the pings, at a steady pace; only then do they reach the peer. */
  uploadEndsMs?: number;
  /** When its host stopped acknowledging anything. */
  goneSinceMs?: number;
  /** Whether the application holds the lock. */
  locked?: boolean;
  /** Whether it answers in order. Read when it is added. */
  inOrder?: boolean;
  /** Read when it is added. */
  hangTimeoutMs?: number;
  /** Of its connection. Default: 1. */
  generation?: number;
  /** How many unanswered retransmissions the table shows, whatever its other fields say. */
  retransmits?: number;
}

interface PingRecord {
  readonly id: number;
  readonly atMs: number;
}

/** How many bytes of an upload go out in a millisecond. */
const uploadPace = 1000;
/** After how many milliseconds the kernel retransmits what was not acknowledged. */
const retransmitMs = 300;

/**
 * A main thread in simulated time that pings simulated peers and can be blocked. What arrives while it is blocked stays in
 * the socket until it polls again, which it does before any requested turn completes, as in libuv.
 */
export class SimulatedHost implements PingHost {
  readonly pings: PingRecord[] = [];
  /** The pings that were written, which may be later, since they wait for the lock first. */
  readonly written: PingRecord[] = [];
  readonly sweeps: number[][] = [];
  readonly deaths: (PingRecord & { silentMs: number; diagnosis: Diagnosis })[] = [];
  readonly conclusions: Conclusion['verdict'][] = [];
  readonly stalls: Stall[] = [];
  readonly panics: Error[] = [];
  /** How many turns were requested. */
  turns = 0;
  /** For how long each ping held the lock, in milliseconds. */
  readonly holdsMs: number[] = [];
  readonly peers = new Map<number, Peer>();
  readonly #clock: ManualClock;
  readonly #board: Board;
  readonly #out = new Set<number>();
  readonly #lockedAtMs = new Map<number, number>();
  /** For how long the next pings to be sent block the main loop. */
  blocksInPingMs: number | undefined;
  /** How long after a request the pings are begun, as in a later batch of a sweep. */
  beginsAfterMs = 0;
  #blocked = false;
  /** Until when the main loop is blocked, or was last. */
  blockedUntilMs = Number.NEGATIVE_INFINITY;
  /** Callbacks that wait for the main loop to poll, and those that run after that. */
  #polled: (() => void)[] = [];
  #afterPoll: (() => void)[] = [];

  constructor(clock: ManualClock, board: Board) {
    this.#clock = clock;
    this.#board = board;
  }

  add(peer: Peer): number {
    const id = this.#board.occupy(peer.inOrder, peer.hangTimeoutMs);
    this.peers.set(id, peer);
    return id;
  }

  /** Blocks the main loop until `ms` from now, and does the rest of what blocks it. */
  block(ms: number, rest = () => {}): void {
    this.#blocked = true;
    this.blockedUntilMs = Math.max(this.blockedUntilMs, this.#clock.now() + ms);
    this.#clock.schedule(() => {
      this.#blocked = false;
      rest();
      for (const step of this.#polled.splice(0)) step();
      for (const step of this.#afterPoll.splice(0)) step();
    }, ms);
  }

  /** The system's table of their connections; the local port of each is the number of its slot. */
  readonly readTcpTable: ReadTcpTable = () => ({
    find: ({ local }) => {
      const { uploadEndsMs = 0, goneSinceMs = Infinity, retransmits } = this.peers.get(local - 1) ?? {};
      const nowMs = this.#clock.now();
      // After the first timeout the bytes are sent again, and the timeout doubles.
      const goneMs = Math.max(0, nowMs - goneSinceMs);
      const doublings = retransmits ?? Math.floor(Math.log2(goneMs / retransmitMs + 1));
      const timeoutMs = retransmitMs * 2 ** doublings;
      return {
        state: TcpStates.established,
        timer: TcpTimers.retransmission,
        timerMs: Math.max(0, timeoutMs - (goneMs - (timeoutMs - retransmitMs))),
        retransmissionTimeoutMs: timeoutMs,
        unacknowledgedBytes: Math.ceil(
          Math.max(0, uploadEndsMs - Math.min(nowMs, goneSinceMs)) * uploadPace +
            (goneSinceMs < nowMs ? 30 : 0),
        ),
        retransmits: doublings,
        unansweredProbes: 0,
        unreadBytes: 0,
      };
    },
  });

  sweep(ids: Uint32Array): void {
    this.sweeps.push([...ids]);
    const begin = () => this.#whenTurning(() => this.#begin(ids));
    if (this.beginsAfterMs === 0) begin();
    else this.#clock.schedule(begin, this.beginsAfterMs);
  }

  pollTurn(): Promise<void> {
    this.turns += 1;
    return new Promise((resolve) => this.#whenTurning(resolve));
  }

  conclude(id: number, number: number, conclusion: Conclusion): void {
    this.#whenTurning(() => {
      if (this.#board.number(id) !== number) return;
      this.conclusions.push(conclusion.verdict);
      if (conclusion.verdict === 'busy') return this.#send(id);
      if (conclusion.verdict === 'slow') return this.#endHold(id);
      if (conclusion.verdict === 'dead') {
        const { silentMs, diagnosis } = conclusion;
        this.deaths.push({ id, atMs: this.#clock.now(), silentMs, diagnosis });
      }
      this.#end(id);
    });
  }

  stalled(stall: Stall): void {
    this.stalls.push(stall);
  }

  panicked(error: Error): void {
    this.panics.push(error);
  }

  /** The application releases the lock; a ping that waits for it is sent. */
  unlock(id: number): void {
    const peer = this.peers.get(id);
    if (peer !== undefined) peer.locked = false;
    if (this.#board.state(id) === 'waiting') this.#send(id);
  }

  /** Abandons the pings that are out, as when the worker that watched them is gone. */
  abandonAll(): void {
    for (const id of [...this.#out]) this.#end(id);
  }

  abandon(id: number): void {
    if (this.isOut(id)) this.#end(id);
  }

  /** Whether a ping of that peer is out. */
  isOut(id: number): boolean {
    return this.#out.has(id);
  }

  /** The application begins a request that may keep the ping from being answered. */
  callOff(id: number): void {
    this.#board.pingCalledOff(id, this.#clock.now());
  }

  /** Lets other bytes than a reply arrive now. */
  receive(id: number): void {
    this.#arrive(() => this.#board.bytesReceived(id, this.#clock.now()));
  }

  #begin(ids: Uint32Array): void {
    // But for those that were removed meanwhile.
    for (const id of ids) if (this.peers.has(id)) this.#ping(id);
    const taken = () => {
      for (const id of ids) this.#board.requestTaken(id);
    };
    // The application's own code may run in between, as a target's `ping()`.
    if (this.blocksInPingMs === undefined) taken();
    else this.block(this.blocksInPingMs, taken);
    this.blocksInPingMs = undefined;
  }

  #ping(id: number): void {
    this.pings.push({ id, atMs: this.#clock.now() });
    this.#out.add(id);
    this.#board.pingWaits(id, this.#clock.now());
    this.#board.connectedBy(id, { local: id + 1, remote: 9 }, this.peers.get(id)?.generation ?? 1);
    if (this.peers.get(id)?.locked) return;
    this.#lockedAtMs.set(id, this.#clock.now());
    this.#send(id);
  }

  #send(id: number): void {
    const nowMs = this.#clock.now();
    const { answersAfterMs, ahead, uploadEndsMs = 0, goneSinceMs } = this.peers.get(id) ?? {};
    const uploadMs = Math.max(0, uploadEndsMs - nowMs);
    this.written.push({ id, atMs: nowMs });
    this.#board.pingSent(id, nowMs, ahead ?? uploadMs * uploadPace);
    const number = this.#board.number(id);
    if (answersAfterMs === undefined || goneSinceMs !== undefined) return;
    this.#clock.schedule(
      () =>
        this.#arrive(() => {
          this.#board.bytesReceived(id, this.#clock.now());
          if (this.#board.number(id) === number) this.#end(id);
        }),
      uploadMs + answersAfterMs,
    );
  }

  #end(id: number): void {
    this.#endHold(id);
    this.#board.pingConcluded(id);
    this.#out.delete(id);
  }

  #endHold(id: number): void {
    const atMs = this.#lockedAtMs.get(id);
    this.#lockedAtMs.delete(id);
    if (atMs !== undefined) this.holdsMs.push(this.#clock.now() - atMs);
  }

  #arrive(step: () => void): void {
    if (this.#blocked) this.#polled.push(step);
    else step();
  }

  #whenTurning(step: () => void): void {
    if (this.#blocked) this.#afterPoll.push(step);
    else step();
  }
}
