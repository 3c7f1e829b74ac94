import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { missingPromtool, promtoolTest } from '../support/promtool.js';

const page = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8');
const rules = /```yaml\n(groups:.*?)```/s.exec(page)?.[1] ?? '';

/** How the metrics of `watch` are spelled, and those of a host by each of two exporters. */
const spellings = [
  { of: 'watch', name: 'storage', prefix: '', unit: '_seconds', first: '0' },
  ...['_seconds', ''].map((unit) => ({
    of: unit === '' ? "a host, through JavaScript's exporter" : 'a host, through OTLP',
    name: 'zeo_keepalive_connection_name',
    prefix: 'zeo_keepalive_',
    unit,
    // A histogram of OpenTelemetry begins with the first value.
    first: '_',
  })),
];

type Spelling = (typeof spellings)[number];

/** Series in Prometheus's notation: their values minute by minute. */
function seriesOf({ name, prefix, unit, first }: Spelling, values: Readonly<Record<string, string>>) {
  const main = `${name}="main"`;
  const series: Readonly<Record<string, string>> = {
    up: prefix === '' ? `storage_up{${main}}` : `connection_status{${main},${prefix}connection_state="up"}`,
    down: `connection_status{${main},${prefix}connection_state="down"}`,
    forgotten: `reconnects_total{${main},${prefix}cause="flow-dropped"}`,
    hung: `detection_duration${unit}_count{${main},${prefix}diagnosis="peer-hangs"}`,
    fast: `ping_duration${unit}_bucket{${main},le="1"}`,
    slow: `ping_duration${unit}_bucket{${main},le="2.5"}`,
    all: `ping_duration${unit}_bucket{${main},le="+Inf"}`,
    restarts: 'worker_restarts_total',
  };
  return Object.entries(values).map(([key, text]) => ({
    series: `zeo_keepalive_${series[key]}`,
    values: text.replace('FIRST', first),
  }));
}

const healthy = {
  up: '1x40',
  down: '0x40',
  forgotten: '0x40',
  fast: '0+6x40',
  slow: '0+6x40',
  all: '0+6x40',
  restarts: '0x40',
};

/** Each alert, and what has to happen for it. */
const causes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ZeoStorageDown: { up: '1x20 0x20', down: '0x20 1x20' },
  ZeoFlowsForgotten: { forgotten: '0x20 1 2 3x20' },
  ZeoServerHangs: { hung: 'FIRSTx30 1x10' },
  ZeoSlow: { fast: '0x40' },
  ZeoWatcherStands: { restarts: '0x30 1x10' },
};

describe('The alerts for the metrics of watch and of hosts', {
  skip: missingPromtool,
  timeout: 60_000,
}, () => {
  /** Runs promtool: after these series only this alert fires. */
  async function expectFiring(series: readonly object[], alert: string | undefined): Promise<void> {
    const folder = mkdtempSync(path.join(tmpdir(), 'zeo-keepalive-alerts-'));
    const firing = alert === undefined ? [] : [{ labels: `{alertname="${alert}"}`, value: 1 }];
    const tests = {
      rule_files: ['rules.yml'],
      tests: [
        {
          interval: '1m',
          input_series: series,
          promql_expr_test: [
            {
              expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
              eval_time: '38m',
              exp_samples: firing,
            },
          ],
        },
      ],
    };
    try {
      writeFileSync(path.join(folder, 'rules.yml'), rules);
      // JSON is YAML.
      writeFileSync(path.join(folder, 'tests.yml'), JSON.stringify(tests));
      await promtoolTest(path.join(folder, 'tests.yml'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it('are each tried', () => {
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, alert]) => alert);
    assert.deepEqual(alerts.sort(), Object.keys(causes).sort());
  });

  for (const spelling of spellings) {
    it(`stay silent while all is well: ${spelling.of}`, () =>
      expectFiring(seriesOf(spelling, healthy), undefined));

    for (const [alert, values] of Object.entries(causes))
      it(`fire for what they name, and for nothing else: ${alert}, ${spelling.of}`, () =>
        expectFiring(seriesOf(spelling, { ...healthy, ...values }), alert));
  }

  it('fire when nothing is watched at all', () => expectFiring([], 'ZeoWatcherStands'));
});
