/** Two sockets piped into each other, both ways, for each client: the least that a relay in Node can be. */
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';

const [listen = '', server = ''] = process.argv.slice(2);

const at = (address: string) => {
  const [host = '', port = ''] = address.split(':');
  return { host, port: Number(port), noDelay: true };
};
createServer({ noDelay: true }, (client) => {
  const upstream = connect(at(server));
  // A client that goes away takes its other half along.
  pipeline(client, upstream, client, () => {});
}).listen(at(listen));
process.on('disconnect', () => process.exit());
