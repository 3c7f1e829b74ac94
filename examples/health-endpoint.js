/** * Health checks for a load balancer or Kubernetes: `/readyz` responds with 503 while a storage has no living server, and
 * `/status` with everything that the agent knows.
 *
 *     node examples/health-endpoint.js 127.0.0.1:8100
 */
import { createServer } from 'node:http';
import { databases, startThread } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';

const [address = '127.0.0.1:8100', period = '10'] = process.argv.slice(2);
// Does not wait: probes have to be answered while the server is down, too.
databases.open('main', await ClientStorage.open({ address, wait: false }));
const agent = startThread(Number(period));

const server = createServer((request, response) => {
  const status = agent?.status();
  if (request.url === '/status') return response.end(JSON.stringify(status, undefined, 2));
  const bad = status?.connections.filter(({ ready, state }) => !ready || state === 'failed') ?? [];
  response.statusCode = bad.length === 0 ? 200 : 503;
  response.end(
    bad.length === 0 ? 'ok\n' : `${bad.map(({ name, state }) => `${name}: ${state}`).join('\n')}\n`,
  );
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/readyz`));

process.once('SIGINT', () => {
  server.close();
  server.closeAllConnections();
  databases.close('main');
});
