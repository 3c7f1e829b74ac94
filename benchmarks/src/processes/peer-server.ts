/** The server of one of the peers. */
import { serve } from '../harness/child.js';
import { findPeer } from '../peers/all.js';

const api = {
  serve: ({ peer }: { readonly peer: string }): Promise<number> => findPeer(peer).serve(),
};
export type PeerServerApi = typeof api;
serve(api);
