#!/usr/bin/env node
/** What `npm start` runs: without arguments the demonstration, with addresses it keeps those alive. */
import { demo } from './demo.js';
import { watch } from './watch.js';

const addresses = process.argv.slice(2);

try {
  process.exitCode = addresses.length === 0 ? await demo() : await watch(addresses);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
