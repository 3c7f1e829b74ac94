import { systemClock } from '#src/async/clock.js';
import { totalStandstillMs } from '../support/turning-clock.js';

export const moment = () => ({ atMs: systemClock.now(), stoodStillMs: totalStandstillMs() });
