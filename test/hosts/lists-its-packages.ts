/** Prints which packages in CommonJS are loaded as soon as the agent has been started by its hook. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
// Not by an import, after which timers of the hook may have fired.
require('zeo-keepalive/register');
const packages = Object.keys(require.cache).flatMap((file) => /node_modules.([^/\\]+)/.exec(file)?.[1] ?? []);
console.log([...new Set(packages)].join(' ') || 'none');
