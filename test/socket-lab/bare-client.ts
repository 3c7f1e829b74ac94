// An application that uses one `pg.Client` as few should: without a listener for its errors, or with one that throws.
import pg from 'pg';
import { ports } from './servers/ports.js';

const { host, listener } = JSON.parse(process.argv[2] as string) as {
  host: string;
  listener: 'none' | 'throws';
};
process.on('disconnect', () => process.exit());

const client = new pg.Client({ host, port: ports.postgresql, user: 'postgres', database: 'postgres' });
if (listener === 'throws')
  client.on('error', (error) => {
    throw new Error('The listener gives up', { cause: error });
  });
await client.connect();
await client.query('select 1');
process.send?.({ type: 'ready', pid: process.pid });
