import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ClientStorage, type ClientStorageOptions } from '#src/zeo/index.js';

/** The process warnings while a storage is opened with these options and closed again. */
async function warningsOf(options: ClientStorageOptions | string) {
  const warnings: (Error & { readonly code?: string })[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const storage = await ClientStorage.open(
    typeof options === 'string' ? options : { address: '127.0.0.1:1', wait: false, ...options },
  );
  await storage.close();
  await turn();
  process.off('warning', onWarning);
  return warnings;
}

// The order matters: there is one warning per option and process.
describe('A duration of a storage that is most likely in the wrong unit', () => {
  it('causes no warning while it is plausible', async () => {
    const unusual = [
      { waitTimeout: 3600, connectTimeout: 600, reconnectMinDelay: 3600, reconnectMaxDelay: 3600 },
      { waitTimeout: 0.01, connectTimeout: 0.01, reconnectMinDelay: 0.001, reconnectMaxDelay: 0.001 },
      { waitTimeout: 0, reconnectMinDelay: 0, reconnectMaxDelay: 0 },
      {},
    ];
    for (const options of unusual) assert.deepEqual(await warningsOf(options), []);
  });

  const unlikely: [options: ClientStorageOptions | string, message: string][] = [
    [
      'zeo://127.0.0.1:1?wait=0&wait_timeout=4000',
      'waitTimeout is 4000 s (1 h 7 min); the unit is seconds, not milliseconds',
    ],
    [{ connectTimeout: 0.005 }, 'connectTimeout is 0.005 s (5 ms); the unit is seconds'],
    [
      { reconnectMaxDelay: 5000 },
      'reconnectMaxDelay is 5000 s (1 h 23 min); the unit is seconds, not milliseconds',
    ],
  ];
  for (const [options, message] of unlikely)
    it(`causes one warning that names value and unit: ${message.split(' ', 1)}`, async () => {
      const [warning, ...others] = await warningsOf(options);
      assert.deepEqual(others, []);
      assert.equal(warning?.name, 'ZeoUnitWarning');
      assert.equal(warning?.code, 'ZEO_KEEPALIVE_UNIT');
      assert.equal(warning?.message, `The option ${message}`);
      assert.deepEqual(await warningsOf(options), []);
    });
});
