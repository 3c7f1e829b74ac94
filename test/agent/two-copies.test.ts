import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { commitAfterPings } from '../hosts/commit-after-pings.js';
import { runHost } from '../hosts/run-host.js';
import { SecondCopy } from '../hosts/second-copy.js';

describe('Two copies of the package in one process', { timeout: 120_000 }, () => {
  let copy: SecondCopy;
  before(async () => {
    copy = await SecondCopy.install('only-opens-databases');
  });
  after(() => copy[Symbol.asyncDispose]());

  const inCommon = async (...args: string[]) => {
    const host = await runHost('loads-two-copies', { args: [copy.module('index.js').href, ...args] });
    assert.equal(host.code, 0, host.stderr);
    return JSON.parse(host.stdout);
  };

  it('keep alive what one opens with the agent that the other starts', async () => {
    await using server = await ZeoServer.listen();
    const calls = commitAfterPings(server);
    const { code, stderr } = await runHost('only-opens-databases', {
      folder: copy.folder,
      args: [server.address],
      env: { ZEO_KEEPALIVE_PERIOD: '0.1' },
      nodeOptions: ['--import', new URL('../../src/register.js', import.meta.url).href],
    });
    assert.equal(code, 0, stderr);
    assert.ok(calls.filter((method) => method === 'get_info').length >= 3);
  });

  it('share one registry, one keep-alive thread and one class of errors', async () => {
    assert.deepEqual(await inCommon(), {
      sharesRegistry: true,
      nameTaken: 'ERR_KEEPALIVE_NAME_TAKEN',
      secondStart: 'ERR_KEEPALIVE_ALREADY_STARTED',
      startAfterStop: 'none',
      registryOfOther: 'none',
      onGlobal: [false, false],
    });
  });

  it('have a registry each if the global object is frozen', async () => {
    const { sharesRegistry, secondStart, onGlobal } = await inCommon('--freeze');
    assert.deepEqual([sharesRegistry, secondStart, onGlobal], [false, 'none', []]);
  });

  it('have a registry each if the other one’s version is different', async () => {
    await using newer = await SecondCopy.install();
    await newer.edit('agent/storage-registry.js', 'databases.1', 'databases.2');
    const { code, stdout, stderr } = await runHost('loads-two-copies', {
      args: [newer.module('index.js').href],
    });
    assert.equal(code, 0, stderr);
    const { sharesRegistry, nameTaken, registryOfOther } = JSON.parse(stdout);
    assert.deepEqual([sharesRegistry, nameTaken, registryOfOther], [false, 'none', 'none']);
  });
});
