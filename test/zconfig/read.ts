import assert from 'node:assert/strict';
import { ConfigError } from '#src/zconfig/config-error.js';
import { readZopeConfig, type ZeoClientConfig } from '#src/zconfig/read-zope-config.js';
import { ConfigDirectory, type Files } from './config-directory.js';

/** The clients of a `zope.conf` and the files beside it. */
export async function read(
  files: string | Files,
  env: Record<string, string> = {},
): Promise<ZeoClientConfig[]> {
  await using directory = await ConfigDirectory.make(
    typeof files === 'string' ? { 'zope.conf': files } : files,
  );
  return await readZopeConfig(directory.path('zope.conf'), { env });
}

/** A section with these lines. */
export const client = (...lines: string[]) => ['<zeoclient>', ...lines, '</zeoclient>'].join('\n');

/** The error that refuses them. */
export async function failure(files: string | Files, env?: Record<string, string>): Promise<ConfigError> {
  const error = await read(files, env).then(
    (clients) => assert.fail(`It was read: ${JSON.stringify(clients)}`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof ConfigError, String(error));
  return error;
}
