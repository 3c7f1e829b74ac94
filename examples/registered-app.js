/**
 * An application that does not know the agent. It only opens its databases in the registry:
 *
 *     ZEO_KEEPALIVE_PERIOD=10 ZEO_KEEPALIVE_LOG_LEVEL=blather \
 *       node --import zeo-keepalive/register examples/registered-app.js 127.0.0.1:8100
 */
import { databases } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';

const [address = '127.0.0.1:8100'] = process.argv.slice(2);
databases.open('main', await ClientStorage.open(address));
console.log('The application is running');
process.once('SIGINT', () => databases.close('main'));
