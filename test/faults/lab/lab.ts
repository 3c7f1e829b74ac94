import { once } from 'node:events';
import { KeepAlive, type KeepAliveOptions, StorageRegistry } from 'zeo-keepalive';
import { startServer, type TestServer } from '../../support/servers.js';
import { sleep, until } from '../../support/turning-clock.js';
import type { FaultOptions, FaultResult } from '../fault.js';
import { Calls } from './calls.js';
import { type ClientSettings, type Loss, Subject } from './subject.js';

export interface LabOptions {
  /** `host:port` of the server behind the relays. */
  readonly server: string;
  readonly count: number;
  /** Seconds, as in the agent's settings. */
  readonly period: number;
  readonly timeout: number;
  readonly agent?: KeepAliveOptions;
  readonly client?: ClientSettings;
}

/** For steps without a promised bound that a slow machine prolongs, above all connecting. */
const patienceMs = 30_000;

/** Storages kept alive by an agent, each behind its own relay, all in this process. */
export class Lab implements AsyncDisposable {
  readonly agent: KeepAlive;
  readonly registry: StorageRegistry;
  readonly subjects: readonly Subject[];
  readonly calls = new Calls();
  readonly periodMs: number;
  readonly timeoutMs: number;

  /** Resolves when every storage is connected and the agent is running. */
  static async open(options: LabOptions): Promise<Lab> {
    const { server, count, client } = options;
    const subjects: Subject[] = [];
    try {
      // Not all at once: the server's backlog is not under test.
      while (subjects.length < count) {
        const batch = Array.from({ length: Math.min(50, count - subjects.length) }, (_, i) =>
          Subject.open(`storage-${subjects.length + i}`, server, client),
        );
        subjects.push(...(await Promise.all(batch)));
      }
      const lab = new Lab(subjects, options);
      lab.agent.start();
      await once(lab.agent, 'workerStarted');
      return lab;
    } catch (error) {
      await Promise.all(subjects.map((subject) => subject.close()));
      throw error;
    }
  }

  private constructor(subjects: readonly Subject[], { period, timeout, agent }: LabOptions) {
    this.subjects = subjects;
    this.periodMs = period * 1000;
    this.timeoutMs = timeout * 1000;
    this.registry = new StorageRegistry();
    for (const { name, storage } of subjects) this.registry.open(name, storage);
    this.agent = new KeepAlive({ level: 'silent', ...agent, period, timeout }, this.registry, {});
  }

  /** The bound that the agent publishes. */
  get boundMs(): number {
    return this.agent.status().detectionBoundMs as number;
  }

  /** Runs the step at a random moment of the period for each subject. Resolves when all are done. */
  async atRandomPhases(step: (subject: Subject) => void | Promise<void>, subjects = this.subjects) {
    await Promise.all(
      subjects.map(async (subject) => {
        await sleep(Math.random() * this.periodMs);
        await step(subject);
      }),
    );
  }

  /** Waits until each struck subject has lost its connection; longer than the bound, to see how late it was. */
  async lost(subjects = this.subjects): Promise<void> {
    // A death that is not found by then counts as not found.
    await until(
      () => !subjects.some(({ isUnnoticed }) => isUnnoticed),
      Math.max(2 * this.boundMs, patienceMs),
      'lost',
    ).catch(() => {});
  }

  /** Waits until all lost connections have been made again. */
  async recovered(subjects = this.subjects, withinMs = patienceMs): Promise<void> {
    const left = () => subjects.filter(({ isBack, isUnnoticed }) => !isBack && !isUnnoticed);
    await until(
      () => left().length === 0,
      withinMs,
      () => `connected again: ${left().length} of ${subjects.length} are not`,
    );
  }

  /** Waits for every call to end; calls still open afterwards count as lost. */
  async callsEnded(): Promise<void> {
    await until(() => this.calls.open === 0, patienceMs, 'calls ended').catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.stop();
    await Promise.all(this.subjects.map((subject) => subject.close()));
  }
}

/** Settings of a lab, for a fault that is tried in several. */
export type LabScale = Omit<LabOptions, 'server'>;

/**
 * Runs a trial at each scale, one after the other, each in a lab of its own in front of the same server.
 *
 * @returns the rows of all trials
 */
export async function inLabs<Scale extends LabScale>(
  { server: kind, progress }: FaultOptions,
  scales: readonly Scale[],
  trial: (lab: Lab, scale: Scale, server: TestServer) => Promise<readonly FaultResult[]>,
): Promise<FaultResult[]> {
  await using server = await startServer(kind);
  const results: FaultResult[] = [];
  for (const scale of scales) {
    progress(`${scale.count} connections, P ${scale.period} s, T ${scale.timeout} s`);
    await using lab = await Lab.open({ ...scale, server: server.address });
    results.push(...(await trial(lab, scale, server)));
  }
  return results;
}

/** The fate of the subjects' connections, as a row of the table. */
export function resultOf(
  variant: string,
  subjects: readonly Subject[],
  expected: {
    readonly boundMs: number | undefined;
    /** Expected deaths of each subject. */
    readonly deaths: number;
    /** What must find them: the agent's verdict (the default), the connection itself, or whichever is first. */
    readonly by?: 'verdict' | 'itself' | 'any';
  },
  calls?: Calls,
): FaultResult {
  const losses = subjects.flatMap((subject) => subject.losses);
  const { by = 'verdict' } = expected;
  const isFound = ({ error, afterMs }: Loss) =>
    afterMs !== undefined &&
    (by === 'any' || by === (error.code === 'ERR_KEEPALIVE_TIMEOUT' ? 'verdict' : 'itself'));
  const broken = (calls?.hopeless ?? []).map(
    (error) => `a call failed with an error that is not retryable: ${error}`,
  );
  const surprising = losses.find((loss) => loss.afterMs === undefined);
  if (surprising !== undefined) broken.push(`a healthy connection was lost: ${surprising.error}`);
  return {
    variant,
    boundMs: expected.boundMs,
    detectedAfterMs: losses.filter(isFound).map(({ afterMs }) => afterMs as number),
    deathsExpected: subjects.length * expected.deaths,
    falseDeaths: losses.filter(({ afterMs }) => afterMs === undefined).length,
    chances: subjects.length,
    callsLost: calls?.open ?? 0,
    ...(broken.length > 0 ? { broken } : {}),
  };
}
