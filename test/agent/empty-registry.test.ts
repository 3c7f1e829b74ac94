import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { KeepAlive, StorageRegistry } from 'zeo-keepalive';
import { captureLog } from './captured-log.js';

/** An agent with a long period, its registry, and mocked timers. */
function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const registry = new StorageRegistry();
  const { logger, messages } = captureLog();
  const agent = new KeepAlive({ period: 3600, logger }, registry, {});
  t.after(() => agent.stop());
  const warnings = () => messages().filter((message) => message.includes('no database was opened'));
  return { agent, registry, warnings, pass: (ms: number) => t.mock.timers.tick(ms) };
}

describe('An agent whose registry stays empty', () => {
  it('warns once, a minute after its start, however long the period is', (t) => {
    const { agent, warnings, pass } = setUp(t);
    agent.start();
    pass(59_999);
    assert.deepEqual(warnings(), []);
    pass(1);
    assert.equal(warnings().length, 1);
    assert.match(
      warnings()[0] as string,
      /has run for 60 s and .* check that the application calls databases\.open\(\)/,
    );
    pass(600_000);
    assert.equal(warnings().length, 1);
  });

  it('does not warn if a database was opened before it, or since', async (t) => {
    const { agent, registry, warnings, pass } = setUp(t);
    agent.start();
    pass(30_000);
    registry.open('main', {});
    await registry.close('main');
    pass(600_000);
    await agent.stop();
    registry.open('main', {});
    agent.start();
    pass(600_000);
    assert.deepEqual(warnings(), []);
  });

  it('does not warn after a stop, nor in the first minute of its next run', async (t) => {
    const { agent, registry, warnings, pass } = setUp(t);
    agent.start();
    pass(59_000);
    await agent.stop();
    assert.equal(registry.listenerCount('opened'), 0);
    pass(600_000);
    agent.start();
    pass(59_000);
    assert.deepEqual(warnings(), []);
    pass(1000);
    assert.equal(warnings().length, 1);
  });
});
