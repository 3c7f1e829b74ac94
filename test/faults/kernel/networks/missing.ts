import { type Computer, Network } from './network.js';

/** Why kernel faults cannot be run here, found out by trying; `undefined` if they can. */
export const missingForKernelFaults = tried((computer) => {
  computer.filter([
    '-A INPUT -m statistic --mode random --probability 0.5 -j DROP',
    '-A INPUT -m conntrack --ctstate INVALID -j DROP',
  ]);
});

const missingTrafficControl = tried((computer) => computer.shape('one', 1));

/** The same for faults on slow links. */
export function missingForSlowLinks(): string | undefined {
  return missingForKernelFaults() ?? missingTrafficControl();
}

function tried(attempt: (computer: Computer) => void): () => string | undefined {
  let known: { readonly reason: string | undefined } | undefined;
  return () => {
    known ??= { reason: tryIt(attempt) };
    return known.reason;
  };
}

function tryIt(attempt: (computer: Computer) => void): string | undefined {
  if (process.platform !== 'linux') return `no network namespaces on ${process.platform}`;
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  try {
    using network = new Network();
    const computer = network.add('probe');
    network.connect(computer, 'one', computer, 'two');
    attempt(computer);
    return undefined;
  } catch (error) {
    const { code, path, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === 'ENOENT') return `no ${path} in PATH (the packages iproute2, iptables)`;
    // What `ip netns exec` says.
    const [, command] = /exec of "([^"]+)" failed/.exec(stderr ?? '') ?? [];
    if (command !== undefined) return `no ${command} in PATH (the packages iproute2, iptables)`;
    return `cannot create a network namespace: ${stderr?.trim() || message}`;
  }
}
