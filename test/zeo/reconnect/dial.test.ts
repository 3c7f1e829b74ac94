import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Address } from '#src/zeo/connection/address.js';
import { type DialRequest, dial } from '#src/zeo/reconnect/dial.js';
import type { Established } from '#src/zeo/reconnect/establish.js';
import { ReconnectBackoff } from '#src/zeo/reconnect/reconnect-backoff.js';

const established = {} as Established;

function request(addresses: readonly Address[], others: Partial<DialRequest>): DialRequest {
  const backoff = { minDelayMs: 1, maxDelayMs: 1, random: () => 1 };
  const backoffs = new Map(addresses.map((address) => [address, new ReconnectBackoff(backoff)]));
  return {
    addresses,
    lastError: undefined,
    attempt: async () => established,
    backoffOf: (address) => backoffs.get(address) as ReconnectBackoff,
    paceMs: () => 0,
    onRetry: () => {},
    onHopeless: () => {},
    ...others,
  };
}

describe('dial', () => {
  const [one, two] = [
    { host: 'one', port: 1 },
    { host: 'two', port: 2 },
  ] as const;

  it('tries any number of addresses without a warning from Node', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const addresses = Array.from({ length: 40 }, (_, index) => ({ host: 'h', port: index + 1 }));
    const controller = new AbortController();
    const attempt = (_: Address, signal: AbortSignal) =>
      new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const dialing = dial(request(addresses, { attempt }), controller);
    controller.abort(new Error('enough'));
    await assert.rejects(dialing, AggregateError);
    await turn();
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
  });

  it('does not pace the first attempt of a storage being opened', async () => {
    const paceMs = () => assert.fail('asked for the pace');
    assert.equal(await dial(request([one], { paceMs }), new AbortController()), established);
  });

  it('reports the pacing delay of an address if there is no backoff', async () => {
    const retries: [address: string, attempt: number, delayMs: number][] = [];
    const paced: Address[] = [];
    let failures = 1;
    const made: Address[] = [];
    await dial(
      request([one, two], {
        lastError: new Error('lost'),
        paceMs: (address) => {
          paced.push(address);
          return address === one ? 30 : 60_000;
        },
        attempt: async (address) => {
          made.push(address);
          failures -= 1;
          if (failures === 0) throw new Error('failed');
          return established;
        },
        onRetry: ({ address, attempt, delayMs }) => retries.push([address, attempt, delayMs]),
      }),
      new AbortController(),
    );
    assert.deepEqual(retries, [
      ['one:1', 1, 30],
      ['two:2', 1, 60_000],
      ['one:1', 2, 1],
    ]);
    // An attempt with a backoff is paced, too, once the backoff is over.
    assert.deepEqual(paced, [one, two, one]);
    assert.deepEqual(made, [one, one]);
  });
});
