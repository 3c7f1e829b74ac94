import { zeoVersions } from '../support/python/environments.js';
import { bundleFormats, bundlers, compilers, nodeReleases, resolutions, runtimes } from './surroundings.js';

/** The text of docs/compatibility.md. */
export function compatibilityPage(): string {
  const rows: readonly (readonly [what: string, tried: string, how: string])[] = [
    [
      'Node.js',
      listed(nodeReleases),
      'the packed package: its command, every export by `import` and `require`, `--import`; the tests of the agent and its threads',
    ],
    [
      'other runtimes',
      listed(Object.keys(runtimes)),
      'an agent pings, finds a silent server, and pings again when it has reconnected',
    ],
    [
      'bundlers',
      `${listed(bundlers)}, each making ${listed(Object.values(bundleFormats))}`,
      'with the package external, bundled whole, and bundled whole with `ZEO_KEEPALIVE_WORKER`: [bundling](bundling.md)',
    ],
    [
      'TypeScript',
      `${listed(Object.values(compilers)).replace('latest', 'the newest')}, each with the module resolution ${listed(Object.keys(resolutions))}`,
      'the declarations of every export: `strict`, `exactOptionalPropertyTypes`, and no `skipLibCheck`',
    ],
    [
      'ZEO',
      listed(zeoVersions),
      'its server with this client, and its client with the embedded server and through `guard`',
    ],
    [
      'TLS',
      'the `<ssl>` sections in [their table](cli.md#tls-from-a-zopeconf)',
      'with this client, and with Python’s `ssl`',
    ],
  ];
  const table = [['', 'tried', 'what is tried'], ['---', '---', '---'], ...rows];
  return `${introduction}\n\n${table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

const introduction = `# Compatibility

Written by \`npm run docs:compatibility\` from the lists that the tests iterate over; do not edit. All of it is tried on Linux by
\`.ci/run\`. Where no full version is given, it is the newest release.`;

const listed = (names: readonly string[]) =>
  new Intl.ListFormat('en', { style: 'long', type: 'conjunction' }).format(names);
