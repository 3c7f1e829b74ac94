// An application that registers a meter provider and opens no database. Started with `--import zeo-keepalive/register`. Prints
// when the deaths of its connections are recorded.
import { channel } from 'node:diagnostics_channel';
import { metrics } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

metrics.setGlobalMeterProvider(new MeterProvider());
const died = channel('zeo-keepalive:connection-died');
while (!died.hasSubscribers) await new Promise((resolve) => setTimeout(resolve, 50));
console.log('recorded');
