import type { RelayedConnection } from '../../support/relay.js';
import type { Subject } from '../lab/subject.js';

/** Something done to a connection. */
export type Mischief = (connection: RelayedConnection, subject: Subject) => void;

const swallow = { kind: 'swallow' } as const;

/** Faults that a connection does not survive. */
export const deadly: readonly Mischief[] = [
  (connection) => connection.silence(),
  ({ toServer }) => {
    toServer.manner = swallow;
  },
  ({ toClient }) => {
    toClient.manner = swallow;
  },
  ({ toClient }) => {
    toClient.manner = { kind: 'cut', afterBytes: Math.floor(Math.random() * 40) };
  },
  ({ toClient }) => {
    toClient.manner = { kind: 'corrupt' };
  },
  ({ toServer }) => {
    toServer.manner = { kind: 'corrupt' };
  },
  (connection) => connection.reset(),
  (connection) => connection.halfClose(),
  (connection, { relay }) => {
    connection.silence();
    relay.welcome = { kind: 'mute' };
    setTimeout(() => {
      relay.welcome = { kind: 'relayed' };
    }, Math.random() * 1500);
  },
];

/** Faults that must not look like death: every byte arrives, well within the timeout. */
export const harmless = (timeoutMs: number): readonly Mischief[] => [
  ({ toClient }) => {
    toClient.manner = { kind: 'delay', ms: Math.random() * (timeoutMs / 3) };
  },
  ({ toServer }) => {
    toServer.manner = { kind: 'delay', ms: Math.random() * (timeoutMs / 3) };
  },
  ({ toClient }) => {
    toClient.manner = { kind: 'trickle', everyMs: 1 + Math.random() * (timeoutMs / 3) };
  },
  ({ toClient }) => {
    toClient.manner = { kind: 'hold' };
    setTimeout(
      () => {
        toClient.manner = { kind: 'pass' };
      },
      Math.random() * (timeoutMs / 3),
    );
  },
];
