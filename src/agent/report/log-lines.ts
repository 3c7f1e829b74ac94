import { isError } from '../../model/errors.js';
import type { Stall, StorageBack, StorageDied, StorageDown } from '../../model/events.js';
import type { KeepAliveLog } from '../../observability/log.js';
import type { LogLevel } from '../../observability/log-sink.js';
import { causeInWords } from '../../tcp/diagnosis.js';
import type { Outage } from '../ping/outage.js';
import type { Member } from '../ping/target-state.js';
import { Repetition, reasonOf } from './repetition.js';

/** From this delay on a replacement of the worker is no quick one any more, and the log says so. */
const keepsEndingMs = 1000;
/** A connection that is down for longer is an error. */
const longMs = 60_000;
const threadFailed = 'Exception in keep alive thread';

/**
 * The lines of the log. Their words are the original's where the original has the line.
 *
 * What fails again and again for the same reason is not told each time, but counted, and the next line says how many it
 * stands for. What goes well makes no line beyond the original's.
 */
export class LogLines {
  readonly #log: KeepAliveLog;
  readonly #now: () => number;
  /** Of each storage whose pings fail, until they have been successful for a while. */
  readonly #troubles = new WeakMap<Member, Repetition>();
  /** The agent's own troubles, by what has them. */
  readonly #ownTroubles = new Map<string, Repetition>();
  /** The delay until a next thread that the log told of last, and whether the log still says that there is none. */
  #toldRetryMs = 0;
  #isThreadLost = false;
  #stalls = 0;
  /** Those that have no line yet, together. */
  #heldBackStalls: { readonly heldBackTotalMs?: number; readonly heldBackLongestMs?: number } = {};

  /** @param now by which repetitions are counted, in milliseconds of a monotonic clock */
  constructor(log: KeepAliveLog, now = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  started(periodMs: number): void {
    this.#log.info({ periodMs }, `Keep alive thread started with period ${periodMs / 1000} s`);
  }

  notStarted(): void {
    this.#log.info({}, 'Keep alive thread not started: no period is set, or it is zero or negative');
  }

  stopped(): void {
    this.#log.info({}, 'Keep alive thread stopped');
  }

  nothingOpened(afterMs: number): void {
    const message =
      `Keep alive thread has run for ${afterMs / 1000} s and no database was opened in its registry; check that the ` +
      'application calls databases.open(), in this thread, and that it loads no other version of zeo-keepalive';
    this.#log.warn({}, message);
  }

  warning(message: string): void {
    this.#log.warn({}, message);
  }

  /** Not even built while nobody reads it, as nothing that is said of every ping. */
  sending({ name }: Member): void {
    if (!this.#log.isEnabled('blather')) return;
    this.#log.blather({ storage: name }, `Sending keep alive for ${name}`);
  }

  succeeded(member: Member, roundTripMs: number | undefined, evidence: 'answer' | 'bytes'): void {
    const { name } = member;
    if (this.#log.isEnabled('blather')) {
      this.#log.blather({ storage: name, roundTripMs, evidence }, `Keep alive for ${name} successful`);
    }
    this.#eased(member);
  }

  /** Bytes came lately: no ping was needed. */
  active(member: Member): void {
    const { name } = member;
    if (this.#log.isEnabled('blather')) {
      this.#log.blather({ storage: name }, `Keep alive for ${name} not needed`);
    }
    this.#eased(member);
  }

  slow({ name }: Member): void {
    const message = `Keep alive for ${name} is not answered in time, but other bytes come or go`;
    this.#log.blather({ storage: name }, message);
  }

  busy({ name }: Member): void {
    this.#log.blather({ storage: name }, `Load lock of ${name} is busy, sending keep alive without it`);
  }

  failed(member: Member, error: unknown): void {
    const fields = { storage: member.name, err: error };
    const message = `Keep alive for ${member.name} failed`;
    this.#tell('error', this.#troubleOf(member), `failed: ${reasonOf(error)}`, fields, message);
  }

  /** Returns whether there is a line of it. */
  died(member: Member, { name, address, error, silentMs, timeToDetectMs, diagnosis }: StorageDied): boolean {
    const fields = { storage: name, address, silentMs, timeToDetectMs, diagnosis, err: error };
    const message = `Keep alive for ${name} failed`;
    return this.#tell('error', this.#troubleOf(member), `dead: ${diagnosis}`, fields, message);
  }

  /** A ping was due, and it is not connected: a warning, and an error at the latest when it lasts. */
  down(member: Member, { name, downForMs, cause, error }: StorageDown, outage: Outage): void {
    const trouble = this.#troubleOf(member);
    // However often it was down before: that it lasts is another matter.
    const lasts = downForMs >= longMs && !outage.isToldToLast;
    const occurrence = trouble.occurs(`down: ${reasonOf(error)}`, this.#now(), lasts);
    if (occurrence === 'held back') return;
    outage.isTold = true;
    // The message only: the stack of an attempt to connect says nothing more.
    const reason = isError(error) ? error.message : error;
    const fields = { storage: name, downForMs, cause, reason };
    if (downForMs >= longMs) {
      outage.isToldToLast = true;
      const longer = `has been down for ${Math.round(downForMs / 1000)} s; ${causeInWords[cause]}`;
      this.#write('error', trouble, fields, `Connection for ${name} ${longer}`);
    } else {
      this.#write('warn', trouble, fields, `Connection for ${name} is down`);
    }
  }

  back(member: Member, { name, address, downForMs, cause }: StorageBack): void {
    // The other causes are over, and were told when they began.
    const why = cause === 'flow-dropped' ? `; ${causeInWords[cause]}` : '';
    const message = `Connection for ${name} is back after ${(downForMs / 1000).toFixed(1)} s${why}`;
    this.#write('info', this.#troubleOf(member), { storage: name, address, downForMs, cause }, message);
  }

  replaced(member: Member): void {
    const { name, address } = member;
    const message = `Connection for ${name} was lost and had again since its last keep alive`;
    this.#tell('info', this.#troubleOf(member), 'replaced', { storage: name, address }, message);
  }

  misbehaved(member: Member, error: unknown): void {
    const fields = { storage: member.name, err: error };
    const message = `Storage ${member.name} misbehaves`;
    this.#tell('error', this.#troubleOf(member), `misbehaves: ${reasonOf(error)}`, fields, message);
  }

  /** It could not even be asked for its storage. */
  unusable(name: string, error: unknown): void {
    this.#log.error({ storage: name, err: error }, `Storage ${name} misbehaves`);
  }

  stalled(stall: Stall): void {
    const trouble = this.#ownTrouble('stalls');
    this.#stalls += 1;
    // Each is news, until there have been too many.
    if (trouble.occurs(`stall ${this.#stalls}`, this.#now()) === 'held back') {
      const { heldBackTotalMs = 0, heldBackLongestMs = 0 } = this.#heldBackStalls;
      this.#heldBackStalls = {
        heldBackTotalMs: heldBackTotalMs + stall.durationMs,
        heldBackLongestMs: Math.max(heldBackLongestMs, stall.durationMs),
      };
      return;
    }
    const fields = { ...stall, ...this.#heldBackStalls };
    this.#heldBackStalls = {};
    const seconds = (stall.durationMs / 1000).toFixed(1);
    const who = stall.of === 'loop' ? 'The main loop' : 'This process';
    this.#write(
      'warn',
      trouble,
      fields,
      `${who} stood still for ${seconds} s or more; nobody was judged by it`,
    );
  }

  /** The loop threw. */
  panicked(error: unknown): void {
    this.#tell('panic', this.#ownTrouble('thread'), reasonOf(error), { err: error }, threadFailed);
  }

  /** The thread ended or could not be started, and is tried again: a line each time, until the delay is at its longest. */
  threadLost(error: unknown, retryInMs: number): void {
    const trouble = this.#ownTrouble('thread');
    const isLonger = retryInMs > this.#toldRetryMs;
    const isTold = trouble.occurs(reasonOf(error), this.#now(), isLonger) !== 'held back';
    this.#toldRetryMs = isTold ? retryInMs : Math.min(retryInMs, this.#toldRetryMs);
    if (!isTold) return;
    this.#isThreadLost = true;
    this.#write('panic', trouble, { retryInMs, err: error }, threadFailed);
    if (retryInMs < keepsEndingMs) return;
    const message = `Keep alive thread keeps ending, starting it again in ${retryInMs / 1000} s`;
    this.#tell('warn', this.#ownTrouble('threads'), 'ends', { retryInMs }, message);
  }

  /** The thread is up. */
  threadRuns(): void {
    // Only where a line says that it does not.
    if (this.#isThreadLost) this.#log.info({}, 'Keep alive thread runs again');
    this.#isThreadLost = false;
  }

  listenerFailed(error: unknown, event: string): void {
    const fields = { event, err: error };
    const message = 'A listener of the keep alive threw';
    this.#tell('error', this.#ownTrouble(`listener of ${event}`), reasonOf(error), fields, message);
  }

  /** Things went well for once. That this ends a trouble of which lines were held back is worth a line. */
  #eased(member: Member): void {
    const trouble = this.#troubles.get(member);
    if (trouble === undefined) return;
    const nowMs = this.#now();
    if (trouble.eases(nowMs)) {
      const message = `Keep alive for ${member.name} is successful again`;
      this.#write('info', trouble, { storage: member.name }, message);
    }
    if (trouble.isOver(nowMs)) this.#troubles.delete(member);
  }

  /** Writes a line, unless it is one of those that are only counted. Returns whether it did. */
  #tell(level: LogLevel, trouble: Repetition, reason: string, fields: object, message: string): boolean {
    const isTold = trouble.occurs(reason, this.#now()) !== 'held back';
    if (isTold) this.#write(level, trouble, fields, message);
    return isTold;
  }

  /** Writes a line that says how many it stands for. */
  #write(level: LogLevel, trouble: Repetition, fields: object, message: string): void {
    const heldBack = trouble.takeHeldBack();
    const repetitions = heldBack === 1 ? '1 repetition was' : `${heldBack} repetitions were`;
    if (heldBack === 0) this.#log[level](fields, message);
    else this.#log[level]({ ...fields, heldBack }, `${message} (${repetitions} held back)`);
  }

  #ownTrouble(what: string): Repetition {
    const present = this.#ownTroubles.get(what);
    present?.age(this.#now());
    if (present !== undefined) return present;
    const trouble = new Repetition(this.#now());
    this.#ownTroubles.set(what, trouble);
    return trouble;
  }

  #troubleOf(member: Member): Repetition {
    const trouble = this.#troubles.get(member) ?? new Repetition(this.#now());
    this.#troubles.set(member, trouble);
    return trouble;
  }
}
