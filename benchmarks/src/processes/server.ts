/** The embedded ZEO server in its own process, so that its cost is not counted. */
import { ZeoServer } from '../../../dist/src/zeo/server/index.js';
import { serve } from '../harness/child.js';

const api = {
  listen: async ({ encoding }: { readonly encoding: 'Z5' | 'M5' }): Promise<string> =>
    (await ZeoServer.listen({ encoding })).address,
};
export type ServerApi = typeof api;
serve(api);
