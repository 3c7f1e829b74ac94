import type { Socket } from 'node:net';
import { startDeadline } from '../../async/deadline.js';
import { ProtocolError } from '../../model/errors.js';
import { reset } from '../../tcp/reset.js';
import type { HandshakeOptions, Handshakes } from './tls-handshakes.js';
import { isHello, isWholeRecord, notTls } from './tls-hello.js';

const problem = 'Cannot pass TLS through to a server';

/**
 * Accepted clients whose TLS is to be passed through, until they begin it. One that does not is reset. A server does not answer
 * a part of the first record, so it is not bothered with one.
 */
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
    let hello = Buffer.alloc(0);
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
          `${problem}: expected a TLS handshake; received ${hello.length === 0 ? 'nothing' : 'only a part'} for ${timeoutMs / 1000} s, ` +
            'as from a client without TLS',
          { code: 'ERR_ZEO_TLS' },
        ),
      ),
    );
    const onData = (chunk: Buffer) => {
      hello = Buffer.concat([hello, chunk]);
      if (!isHello(hello)) {
        refuse(notTls(problem, hello));
        return;
      }
      if (!isWholeRecord(hello)) return;
      settle();
      client.pause().unshift(hello);
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
