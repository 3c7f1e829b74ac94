// An application that registers its own meter provider, if OpenTelemetry is installed, after the agent has started. Run
// with `--import zeo-keepalive/register`. Prints the number of the agent's pings that the provider has recorded.
import { databases } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';

const openTelemetry = await loadOpenTelemetry();
const storage = databases.open('main', await ClientStorage.open({ address: process.argv[2] as string }));

if (openTelemetry === undefined) {
  // Enough time for a ping.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  console.log('no provider');
} else {
  const { metrics, sdk } = openTelemetry;
  const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE);
  const reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  const provider = new sdk.MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  const seen = async () => {
    await reader.forceFlush();
    const all =
      exporter
        .getMetrics()
        .at(-1)
        ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
    return all.find(({ descriptor }) => descriptor.name === 'zeo_keepalive.pings')?.dataPoints[0]?.value;
  };
  let pings = await seen();
  while (pings === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    pings = await seen();
  }
  console.log('zeo_keepalive.pings', pings);
  await provider.shutdown();
}
await storage.close();

async function loadOpenTelemetry() {
  try {
    const { metrics } = await import('@opentelemetry/api');
    return { metrics, sdk: await import('@opentelemetry/sdk-metrics') };
  } catch {
    return undefined;
  }
}
