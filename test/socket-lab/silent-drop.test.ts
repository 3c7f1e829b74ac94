import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unlessTooBusy } from '../support/machine-lateness.js';
import { clientKinds, clientNames, programOf } from './clients/all.js';
import { silentDrop } from './silent-drop.js';
import { missingForSockets, SocketLab } from './socket-lab.js';
import { summary, turningMs } from './summary.js';

const phases = Number(process.env.SOCKET_LAB_PHASES ?? 2);
const wanted = Object.values(programOf);

describe('Connections of real clients whose path is cut', { timeout: 170_000 }, () => {
  const skip = missingForSockets(wanted);

  it('are dropped within the bound in any state, and pools work again', { skip }, (t) =>
    unlessTooBusy(t, async (machine) => {
      await using lab = await SocketLab.start(wanted);
      await using app = await lab.startApp();
      const bounds = app.all('started')[0]?.socketBounds;
      const drops = await silentDrop(lab, app, { clients: clientNames, phases });
      for (const line of summary(drops)) t.diagnostic(line);
      assert.equal(drops.length, phases * (3 * clientNames.length - 1));
      // As in the fault lab: at the size of the command, each is judged to the millisecond.
      const { allowanceMs } = machine;
      for (const drop of drops) {
        const { name, state, foundMs, stalledMs, heardMs, backMs, message } = drop;
        const which = `${name}, ${state}: ${foundMs} ms, of them ${stalledMs} stalled: ${message}`;
        const boundMs = state === 'in flight' ? bounds?.inFlightMs : bounds?.idleMs;
        assert.ok(foundMs !== undefined, which);
        const isInTime = (turningMs(drop) as number) <= (boundMs as number) + allowanceMs;
        machine.inTime(() => assert.ok(isInTime, `${which}; bound ${boundMs} ms`));
        assert.ok(heardMs !== undefined, `${which}; its caller did not hear of it`);
        if (clientKinds[name].reconnects) assert.ok(backMs !== undefined, `${which}; it did not come back`);
      }
    }),
  );
});
