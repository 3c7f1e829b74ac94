import type { Installation } from '#src/threads/contract.js';
import { connect } from '#src/threads/endpoint.js';

export default function install({ port }: Installation): void {
  connect(port, { alive: () => true });
  setTimeout(() => {
    for (;;);
  }, 20);
}
