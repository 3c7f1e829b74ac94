import type { Socket } from 'node:net';
import { startDeadline } from '../../async/deadline.js';
import { ProtocolError } from '../../model/errors.js';
import { reset } from '../../tcp/reset.js';
import type { HandshakeOptions, Handshakes } from './tls-handshakes.js';
import { isHello, notTls } from './tls-hello.js';

const problem = 'Cannot pass TLS through to a server';

/** Accepted clients whose TLS is to be passed through, until they begin it. One that does not is reset. */
export class ClientHellos implements Handshakes {
  readonly #options: HandshakeOptions;
  readonly #pending = new Set<Socket>();

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#pending.size;
  }

  start(client: Socket): void {
    const { timeoutMs, accepted, refused } = this.#options;
    this.#pending.add(client);
    const settle = () => {
      endDeadline();
      this.#pending.delete(client);
      client.off('data', onData).off('end', onEnd).off('close', settle);
    };
    const refuse = (reason: ProtocolError) => {
      settle();
      reset(client);
      refused(reason);
    };
    const endDeadline = startDeadline(timeoutMs, () =>
      refuse(
        new ProtocolError(
          `${problem}: expected a TLS handshake; received nothing for ${timeoutMs / 1000} s, as from a client without TLS`,
          { code: 'ERR_ZEO_TLS' },
        ),
      ),
    );
    const onData = (chunk: Buffer) => {
      if (!isHello(chunk)) {
        refuse(notTls(problem, chunk));
        return;
      }
      settle();
      client.pause().unshift(chunk);
      accepted(client);
    };
    const onEnd = () => client.destroy();
    client
      .on('error', () => {})
      .on('data', onData)
      .on('end', onEnd)
      .on('close', settle);
  }

  close(): void {
    for (const client of this.#pending) client.destroy();
  }
}
