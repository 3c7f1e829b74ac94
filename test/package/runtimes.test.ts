import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { runtimes } from '../compatibility/surroundings.js';
import { CleanProject } from './clean-project.js';

/** Pings a server of its own, which then goes silent, until that is found and the next connection answers. */
const application = `
  import { once } from 'node:events';
  import { databases, startThread } from 'zeo-keepalive';
  import { ZeoServer } from 'zeo-keepalive/testing';
  import { ClientStorage } from 'zeo-keepalive/zeo';

  const server = await ZeoServer.listen();
  databases.open('main', await ClientStorage.open(server.address));
  const agent = startThread(0.5, { level: 'silent' });
  await once(agent, 'pingSucceeded');
  console.log('pinged');
  const died = once(agent, 'connectionDied');
  const back = once(agent, 'connectionBack');
  for (const connection of server.connections) connection.silence();
  await died;
  console.log('found dead');
  await back;
  await once(agent, 'pingSucceeded');
  console.log('pinged again');
  await agent.stop();
  await databases.close('main');
  await server.close();`;

describe('the package in other runtimes', { timeout: 170_000, concurrency: true }, () => {
  for (const [runtime, args] of Object.entries(runtimes)) {
    it(`pings, and finds a silent server, in ${runtime}`, async (test) => {
      let project: CleanProject;
      try {
        // npm may have been told not to run the scripts with which these packages fetch their binaries.
        project = await CleanProject.create(runtime, '--ignore-scripts=false');
      } catch {
        test.skip(`npm has no package ${runtime} for this machine`);
        return;
      }
      await using _ = project;
      await writeFile(project.path('app.mjs'), application);
      const { stdout } = await project.run(project.path('node_modules/.bin', runtime), [...args, 'app.mjs']);
      assert.equal(stdout, 'pinged\nfound dead\npinged again\n');
    });
  }
});
