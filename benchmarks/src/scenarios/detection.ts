import type { Figure } from '../figure.js';
import { quantile } from '../harness/repetitions.js';
import { missingPython } from '../harness/servers.js';
import { peers } from '../peers/all.js';
import { NodeClients } from '../peers/node-clients.js';
import { period, timeout } from '../peers/peer.js';
import { PythonClients } from '../peers/python-clients.js';
import { type Contestant, type Trial, type TrialResult, tryPeer } from '../peers/trial.js';
import type { Scenario } from '../scenario.js';

const pythonClient: Contestant = {
  name: "ZEO's Python client",
  settings: 'nothing to set; its I/O has a thread of its own',
  serve: PythonClients.serve,
  open: PythonClients.open,
};

export const detection: Scenario = {
  name: 'detection',
  title: 'Detection and false deaths, compared with other libraries',
  about:
    `Every peer is set as close to a period of ${period} s and a timeout of ${timeout} s as its documentation allows. All of ` +
    'them go through the same relay, at the same time. *Silent drop*: the relay discards every byte, in both directions, from a ' +
    'random moment on; the time until the client notices. *False disconnects*: the server is healthy and replies in 300 ms; the ' +
    "client's main loop is blocked again and again; the share of cases (connections times stalls) in which a connection was lost, and the same without stalls.",
  usesPython: true,
  async run({ quick, progress }) {
    const trial: Trial = quick
      ? { connections: 5, waitMs: 5000, stalls: [{ ms: 1500, count: 1 }] }
      : {
          connections: 50,
          waitMs: 60_000,
          stalls: [0, 1500, 3000, 6000].map((ms) => ({ ms, count: 10 })),
        };
    const figures: Figure[] = [];
    const missing = missingPython();
    if (missing !== undefined) progress(`without ${pythonClient.name}: ${missing}`);
    const contestants: Contestant[] = peers.map((peer) => ({
      name: peer.name,
      settings: peer.settings,
      serve: () => NodeClients.serve(peer),
      open: (ports) => NodeClients.open(peer, ports),
    }));
    if (missing === undefined) contestants.push(pythonClient);
    const results = await Promise.all(
      contestants.map(async (contestant) => ({
        ...contestant,
        result: await tryPeer(contestant, trial, (line) => progress(`${contestant.name}: ${line}`)),
      })),
    );
    for (const { name, settings, result } of results)
      figures.push(...figuresOf(name, settings, result, trial));
    return figures;
  },
};

function figuresOf(subject: string, settings: string, result: TrialResult, trial: Trial): Figure[] {
  const isAgent = subject === 'zeo-keepalive';
  const detected = (share: number) => quantile(result.detectedAfterMs, share) / 1000;
  return [
    {
      subject,
      of: 'silent drop, median',
      value: detected(0.5),
      unit: 's',
      note: `${settings}; never: not within ${trial.waitMs / 1000} s`,
    },
    {
      subject,
      of: 'silent drop, max',
      value: detected(1),
      unit: 's',
      ...(isAgent && { target: { on: 'value', atMost: period + timeout + 0.5 } }),
    },
    ...result.falseDisconnects.map(
      ({ stallMs, share }): Figure => ({
        subject,
        of: stallMs === 0 ? 'false disconnects, no stall' : `false disconnects, ${stallMs / 1000} s stall`,
        value: 100 * share,
        unit: '%',
        ...(isAgent && { target: { on: 'value', atMost: 0 } }),
      }),
    ),
  ];
}
