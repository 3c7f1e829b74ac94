import { it } from 'node:test';
import type { Value } from '#src/zeo/encoding/values.js';
import { oid } from '../../zeo/server/records.js';
import { type Reachable, WireClient } from '../../zeo/server/wire-client.js';
import { describeBoth } from './both-servers.js';
import { hex, store, Transcript, tid, zero } from './transcript.js';

export type Scenarios = Readonly<Record<string, (see: Transcript) => Promise<void>>>;

/** Runs each scenario on a new storage of both servers: their answers, and what they send to others, are the same. */
export function compareScenarios(title: string, scenarios: Scenarios): void {
  const all = Object.entries(scenarios);
  describeBoth(title, all.length, (compare) => {
    for (const [index, [name, scenario]] of all.entries()) {
      it(name, () => compare(index, (server, storage) => observe(server, storage, scenario)));
    }
  });
}

async function observe(
  server: Reachable,
  storage: string,
  scenario: (see: Transcript) => Promise<void>,
): Promise<unknown> {
  const client = await WireClient.register(server, storage);
  const witness = await WireClient.register(server, storage);
  const transcript = new Transcript(client);
  try {
    await scenario(transcript);
    // Its notifications come before the answer to a call that it makes now.
    const last = await witness.call('lastTransaction');
    const sent = witness.notifications.filter(({ method }) => method === 'invalidateTransaction');
    return { lines: transcript.lines, last, sent: sent.map(({ args: [id, oids] }) => [id, sorted(oids)]) };
  } finally {
    await client.close();
    await witness.close();
  }
}

const sorted = (oids: Value | undefined) => (oids as readonly Uint8Array[]).map(hex).sort();

/** Four objects that the root leads to, and some history. */
export async function fill(see: Transcript): Promise<void> {
  await see.commit(
    1,
    store(0, zero, 'root', oid(1), oid(2)),
    store(1, zero, 'a'),
    store(2, zero, 'b', oid(3)),
  );
  await see.commit(2, store(3, zero, 'c'), store(1, tid(1), 'a2'));
  await see.commit(3, store(1, tid(2), 'a3'), store(2, tid(1), 'b2', oid(3)));
}
