// Faults as tests, some of them on a machine that was too busy. Run by run-as-tests.test.ts.
import type { Fault, FaultResult } from './fault.js';
import { runAsTests } from './run-as-tests.js';

const kept: FaultResult = {
  variant: 'kept',
  boundMs: undefined,
  detectedAfterMs: [],
  deathsExpected: 0,
  falseDeaths: 0,
  chances: 1,
  callsLost: 0,
};
const tooBusy: FaultResult = { ...kept, falseDeaths: 1, tooBusy: 'its peers were late' };

const fault = (name: string, ...results: FaultResult[]): Fault => ({
  name,
  about: `About ${name}`,
  layer: 'process',
  servers: ['embedded'],
  run: async () => results,
});

runAsTests([
  fault('well', kept),
  fault('late', kept, tooBusy),
  fault('unmoved', { ...tooBusy, falseDeaths: 0 }),
  fault('wrong', tooBusy, { ...kept, falseDeaths: 1 }),
  fault('leaky', { ...tooBusy, broken: ['it leaks'] }),
  { ...fault('absent', kept), missing: () => 'no iptables' },
]);
