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
  /** Seconds, as the agent's settings. */
  readonly period: number;
  readonly timeout: number;
  readonly agent?: KeepAliveOptions;
  readonly client?: ClientSettings;
}

/** For whatever the machine is slow at and no promise is made about: connecting, above all. */
const patienceMs = 30_000;

/** Storages under an agent, each behind a relay of its own, all in this process. */
export class Lab implements AsyncDisposable {
  readonly agent: KeepAlive;
  readonly registry: StorageRegistry;
  readonly subjects: readonly Subject[];
  readonly calls = new Calls();
  readonly periodMs: number;
  readonly timeoutMs: number;

  /** Resolves when every storage is connected and the agent runs. */
  static async open(options: LabOptions): Promise<Lab> {
    const { server, count, client } = options;
    const subjects: Subject[] = [];
    try {
      // Not all at once: the server's backlog is not what is tried here.
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

  /** As the agent publishes it. */
  get boundMs(): number {
    return this.agent.status().detectionBoundMs as number;
  }

  /** At a random moment of the period for each subject. Resolves when the step has been taken for all. */
  async atRandomPhases(step: (subject: Subject) => void | Promise<void>, subjects = this.subjects) {
    await Promise.all(
      subjects.map(async (subject) => {
        await sleep(Math.random() * this.periodMs);
        await step(subject);
      }),
    );
  }

  /** Waits until every subject that was struck has lost its connection; longer than promised, so that lateness is seen. */
  async lost(subjects = this.subjects): Promise<void> {
    // What is not found by then counts as not found.
    await until(
      () => !subjects.some(({ isUnnoticed }) => isUnnoticed),
      Math.max(2 * this.boundMs, patienceMs),
      'lost',
    ).catch(() => {});
  }

  /** Waits until all that were lost are connected again. */
  async recovered(subjects = this.subjects, withinMs = patienceMs): Promise<void> {
    const left = () => subjects.filter(({ isBack, isUnnoticed }) => !isBack && !isUnnoticed);
    await until(
      () => left().length === 0,
      withinMs,
      () => `connected again: ${left().length} of ${subjects.length} are not`,
    );
  }

  /** Waits until every call has ended, so that those that do not are lost ones. */
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

/** What the subjects' connections died of, as a row of the table. */
export function resultOf(
  variant: string,
  subjects: readonly Subject[],
  expected: {
    readonly boundMs: number | undefined;
    /** Each subject's. */
    readonly deaths: number;
    /** What must have found them: the agent's verdict (the default), the connection by itself, or whichever is first. */
    readonly by?: 'verdict' | 'itself' | 'any';
  },
  calls?: Calls,
): FaultResult {
  const losses = subjects.flatMap((subject) => subject.losses);
  const { by = 'verdict' } = expected;
  const isFound = ({ error, afterMs }: Loss) =>
    afterMs !== undefined &&
    (by === 'any' || by === (error.code === 'ERR_KEEPALIVE_TIMEOUT' ? 'verdict' : 'itself'));
  const broken = (calls?.hopeless ?? []).map((error) => `a call failed with no retryable error: ${error}`);
  const surprising = losses.find((loss) => loss.afterMs === undefined);
  if (surprising !== undefined) broken.push(`a connection that was well was lost: ${surprising.error}`);
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
