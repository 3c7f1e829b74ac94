import { systemClock } from '#src/async/clock.js';
import { totalStalledMs } from '../support/turning-clock.js';

export const moment = () => ({ atMs: systemClock.now(), stalledMs: totalStalledMs() });
