import { KeepAliveError } from 'zeo-keepalive';

/** The application's calls during a fault: each must end, in a way that the application can recover from. */
export class Calls {
  made = 0;
  succeeded = 0;
  failed = 0;
  /** Errors that the application could not handle by calling again. */
  readonly hopeless: unknown[] = [];

  /** Calls that have neither succeeded nor failed. */
  get open(): number {
    return this.made - this.succeeded - this.failed;
  }

  /** Records the outcome of a call. Resolves when it has ended, either way. */
  async watch(call: Promise<unknown>): Promise<void> {
    this.made += 1;
    try {
      await call;
      this.succeeded += 1;
    } catch (error) {
      this.failed += 1;
      if (!(error instanceof KeepAliveError && error.retryable)) this.hopeless.push(error);
    }
  }
}
