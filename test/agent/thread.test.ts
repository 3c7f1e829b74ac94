import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HostContext, initialize } from '#src/agent/thread.js';
import { KeepAliveError } from '#src/model/errors.js';

/** Something that each option refuses: a new option does not compile before it is here. */
const refused: Readonly<Record<keyof HostContext, unknown>> = {
  period: 'soon',
  timeout: -1,
  hangTimeout: 'soon',
  concurrency: 0,
  jitter: 2,
  skipActive: 'maybe',
  sockets: 'example.org:x',
  worker: '/there/is/no/worker.js',
  level: 'loud',
  logger: {},
  databases: {},
};

describe('initialize', () => {
  for (const [name, value] of Object.entries(refused)) {
    it(`hands the option ${name} of the context to the agent`, () => {
      const context = { [name]: value } as unknown as HostContext;
      assert.throws(
        () => initialize(context),
        (error) =>
          error instanceof KeepAliveError &&
          error.code === 'ERR_KEEPALIVE_INVALID_SETTING' &&
          error.message.toLowerCase().includes(name.toLowerCase()),
      );
    });
  }
});
