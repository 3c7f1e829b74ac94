import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { KeepAlive } from '#src/agent/keep-alive.js';
import { StorageRegistry } from '#src/agent/storage-registry.js';
import { Output } from '#src/cli/io/output.js';
import { JsonLines } from '#src/cli/watch/lines.js';
import { loggerFor, reportAgent } from '#src/cli/watch/narrate.js';
import { UnhurriedView } from '#src/cli/watch/unhurried-view.js';
import type { Entry } from '#src/cli/watch/view.js';
import { KeepAliveError } from '#src/model/errors.js';

const about = { name: 'main', address: 'zeo1:8100', generation: 2 };

describe('what zeo-keepalive watch reports', () => {
  it('makes a repeated failure a detail until it has succeeded', async () => {
    await using agent = new KeepAlive({ period: 60, level: 'silent' }, new StorageRegistry());
    const entries: Entry[] = [];
    reportAgent(agent, (entry) => entries.push(entry));
    const kinds = () => entries.splice(0).map(({ event, kind }) => `${event} ${kind}`);
    const fail = (reason: string) => agent.emit('pingFailed', { ...about, error: new Error(reason) });
    const down = (reason: string) =>
      agent.emit('connectionDown', { ...about, downForMs: 1, cause: 'unknown', error: new Error(reason) });
    for (const reason of ['a', 'a', 'b']) fail(reason);
    assert.deepEqual(kinds(), ['pingFailed bad', 'pingFailed detail', 'pingFailed bad']);
    for (const reason of ['a', 'a', 'b']) down(reason);
    assert.deepEqual(kinds(), ['connectionDown routine', 'connectionDown detail', 'connectionDown routine']);
    agent.emit('pingSucceeded', { ...about, roundTripMs: 1, evidence: 'answer', verdict: 'alive' });
    agent.emit('connectionBack', { ...about, downForMs: 1, cause: 'unknown', explanation: '' });
    kinds();
    fail('b');
    down('b');
    assert.deepEqual(kinds(), ['pingFailed bad', 'connectionDown routine']);
  });

  it('says why a connection is down, except for its own verdict', async () => {
    await using agent = new KeepAlive({ period: 60, level: 'silent' }, new StorageRegistry());
    const texts: string[] = [];
    reportAgent(agent, ({ text }) => texts.push(text));
    const verdict = new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', 'main sent no byte');
    for (const error of [verdict, new Error('refused')])
      agent.emit('connectionDown', { ...about, downForMs: 1000, cause: 'unknown', error });
    assert.deepEqual(texts, ['still down after 1 s', 'still down after 1 s: refused']);
  });

  it('says why a line was logged, without control characters', () => {
    const entries: Entry[] = [];
    const log = loggerFor((entry) => entries.push(entry));
    const err = new Error('no\x1b[2Jthing');
    log.error({ connection: 'main', err }, 'Exception in connection main');
    log.error({ err }, 'Exception in keep alive thread');
    assert.deepEqual(
      entries.map(({ name, kind, text }) => ({ name, kind, text })),
      [
        { name: 'main', kind: 'bad', text: 'Exception in connection main: no\ufffd[2Jthing' },
        { name: undefined, kind: 'bad', text: 'Exception in keep alive thread: no\ufffd[2Jthing' },
      ],
    );
  });

  it('leaves out and counts entries while the reader is behind', () => {
    const written: string[] = [];
    let goOn: (() => void) | undefined;
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        written.push(String(chunk));
        goOn = done;
      },
    });
    const output = new Output(stream as NodeJS.WriteStream);
    const view = new UnhurriedView(new JsonLines(output), output);
    const entry = (event: string, filling = ''): Entry => ({
      ...{ time: new Date(), event, name: undefined, kind: 'routine' },
      ...{ text: '', fields: { filling } },
    });
    view.show(entry('long', 'x'.repeat(2 ** 20)));
    for (let count = 0; count < 1000; count++) view.show(entry('unread'));
    assert.ok(stream.writableLength < 2 ** 20 + 1000);
    goOn?.();
    view.end(entry('ended'));
    for (let more = 0; more < 3; more++) goOn?.();
    const shown = written.map((line) => JSON.parse(line));
    assert.deepEqual(
      shown.map(({ event, count }) => [event, count]),
      [
        ['long', undefined],
        ['leftOut', 1000],
        ['ended', undefined],
      ],
    );
  });
});
