#!/usr/bin/env node
/** What `npm start` runs: without arguments the demonstration, with addresses it keeps those alive. */
import { demo } from './demo.js';
import { watch } from './watch.js';

const usage = `Usage: npm start                  shows what the agent does, on servers of its own
       npm start -- ADDRESS…      keeps connections to ZEO servers alive and prints what happens, until Ctrl-C

ADDRESS is host:port, [v6]:port, the path of a unix socket, or a zeo:// URI.
ZEO_KEEPALIVE_PERIOD (10 here) and the other variables of the README tune it.`;

const args = process.argv.slice(2);

try {
  if (args.includes('--help') || args.includes('-h')) console.log(usage);
  else if (args.some((arg) => arg.startsWith('-'))) {
    console.error(usage);
    process.exitCode = 2;
  } else process.exitCode = args.length === 0 ? await demo() : await watch(args);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
