// Prints the error of a second start.
import { initialize, startThread } from 'zeo-keepalive';

initialize({ period: 30 });
try {
  startThread(30);
} catch (error) {
  console.log((error as { code: string }).code, (error as Error).message);
}
