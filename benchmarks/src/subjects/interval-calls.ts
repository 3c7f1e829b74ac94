import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { openAll, type PingSubject, type SubjectOptions } from './subject.js';

/** The obvious alternative: an interval on the main thread that calls `getInfo` on each storage. */
export class IntervalCalls implements PingSubject {
  answered = 0;
  failed = 0;
  readonly #storages: readonly ClientStorage[];
  readonly #options: SubjectOptions;
  #timer: NodeJS.Timeout | undefined;

  private constructor(storages: readonly ClientStorage[], options: SubjectOptions) {
    this.#storages = storages;
    this.#options = options;
  }

  static async open(options: SubjectOptions): Promise<IntervalCalls> {
    const { address, count } = options;
    return new IntervalCalls(await openAll(count, () => ClientStorage.open({ address })), options);
  }

  start(): void {
    const { onSent, periodMs } = this.#options;
    this.#timer = setInterval(() => {
      this.#storages.forEach((storage, index) => {
        onSent?.(index);
        storage.getInfo().then(
          () => {
            this.answered += 1;
          },
          () => {
            this.failed += 1;
          },
        );
      });
    }, periodMs);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#storages.map((storage) => storage.close()));
  }
}
