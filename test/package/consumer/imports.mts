import * as main from 'zeo-keepalive';
import * as metrics from 'zeo-keepalive/metrics';
import packageJson from 'zeo-keepalive/package.json' with { type: 'json' };
import * as records from 'zeo-keepalive/records';
import 'zeo-keepalive/register';
import * as sockets from 'zeo-keepalive/sockets';
import * as testing from 'zeo-keepalive/testing';
import * as zconfig from 'zeo-keepalive/zconfig';
import * as zeo from 'zeo-keepalive/zeo';
import { exercise } from './exercise.mjs';

await exercise({ main, zeo, records, testing, metrics, sockets, zconfig });
console.log(`Imported ${packageJson.name}`);
