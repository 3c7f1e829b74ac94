/**
 * Health checks for a load balancer or Kubernetes: `/healthz`, and `/readyz`, which responds with 503 while a storage has no
 * living server. `/status` responds with everything that the agent knows.
 *
 *     node examples/health-endpoint.js 127.0.0.1:8100
 */
import { createServer } from 'node:http';
import { databases, healthHandler, startThread } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';

const [address = '127.0.0.1:8100', period = '10'] = process.argv.slice(2);
// Does not wait: probes have to be answered while the server is down, too.
databases.open('main', await ClientStorage.open({ address, wait: false }));
const agent = startThread(Number(period));

const health = healthHandler(agent);
const application = (request, response) => {
  if (request.url === '/status') response.end(JSON.stringify(agent?.status(), undefined, 2));
  else response.writeHead(404).end();
};

const server = createServer((request, response) =>
  health(request, response, () => application(request, response)),
);
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/readyz`));

process.once('SIGINT', () => {
  server.close();
  server.closeAllConnections();
  databases.close('main');
});
