import type { Socket } from 'node:net';
import { startDeadline } from '../../async/deadline.js';
import { ProtocolError } from '../../model/errors.js';
import { reset } from '../../tcp/reset.js';
import type { HandshakeOptions, Handshakes } from './tls-handshakes.js';
import { isHello, isWholeRecord, notTls, randomOf } from './tls-hello.js';

const problem = 'Cannot pass TLS through to a server';
/** More than can be on their way at once in a loop. */
const mostRemembered = 1000;

/**
 * Accepted clients whose TLS is to be passed through, until they begin it. One that does not is reset. A server does not answer
 * a part of the first record, so it is not bothered with one.
 *
 * One whose handshake has come before is this guard itself, by way of a server that leads back to it. The random of a hello tells
 * them apart: no client uses one again.
 */
export class ClientHellos implements Handshakes {
  readonly #options: HandshakeOptions;
  readonly #pending = new Set<Socket>();
  /** The randoms of the last hellos. */
  readonly #seen = new Set<string>();

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
      if (this.#hasSeen(hello)) {
        const why = 'this guard has forwarded the same handshake, so a server leads back to it';
        refuse(new ProtocolError(`${problem}: ${why}`, { code: 'ERR_ZEO_TLS' }));
        return;
      }
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

  #hasSeen(hello: Buffer): boolean {
    const random = randomOf(hello)?.toString('base64');
    if (random === undefined) return false;
    if (this.#seen.has(random)) return true;
    this.#seen.add(random);
    const [oldest = ''] = this.#seen;
    if (this.#seen.size > mostRemembered) this.#seen.delete(oldest);
    return false;
  }

  close(): void {
    for (const client of this.#pending) client.destroy();
  }
}
