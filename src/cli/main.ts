#!/usr/bin/env node
/** The command `zeo-keepalive`; all of it but this is loaded only after it can receive signals. */
import { holdSignals } from './io/early-signals.js';

if (process.argv[2] === 'guard') holdSignals();
await import('./command-line.js');
