import type { WorkerInit } from '#src/threads/contract.js';
import { connect } from '#src/threads/endpoint.js';

export default function install({ port }: WorkerInit): void {
  connect(port, { alive: () => true });
}
