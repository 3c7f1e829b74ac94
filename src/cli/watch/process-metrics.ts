import { readdir } from 'node:fs/promises';
import { Counter, Gauge, type Registry } from 'prom-client';
import { version } from '../../model/version.js';

/**
 * What every exporter says about itself, under the names that dashboards expect. Not `collectDefaultMetrics`, whose monitor of
 * the event loop wakes the process a hundred times a second.
 */
export function measureProcess(registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'zeo_keepalive_build_info',
    help: 'Its version and that of Node.js; always 1',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.versions.node }, 1);
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process since the Unix epoch',
    registers,
  }).set(performance.timeOrigin / 1000);
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time spent',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  if (process.platform !== 'linux') return;
  new Gauge({
    name: 'process_open_fds',
    help: 'Number of open file descriptors',
    registers,
    async collect() {
      // One of them is that of the folder itself.
      const descriptors = await readdir('/proc/self/fd').catch(() => []);
      this.set(Math.max(0, descriptors.length - 1));
    },
  });
}
