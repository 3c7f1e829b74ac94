import type { Installation } from '../../../src/rpc/contract.js';
import { connect } from '../../../src/rpc/endpoint.js';

export default function install({ port }: Installation): void {
  connect(port, { alive: () => true });
}
