import { Network } from './network.js';

let known: { readonly reason: string | undefined } | undefined;

/** Why there can be no faults of the kernel here, found out by trying; `undefined` when there can. */
export function missingForKernelFaults(): string | undefined {
  known ??= { reason: tryIt() };
  return known.reason;
}

function tryIt(): string | undefined {
  if (process.platform !== 'linux') return `no network namespaces on ${process.platform}`;
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  try {
    using network = new Network();
    const computer = network.add('probe');
    network.connect(computer, 'one', computer, 'two');
    computer.filter([
      '-A INPUT -m statistic --mode random --probability 0.5 -j DROP',
      '-A INPUT -m conntrack --ctstate INVALID -j DROP',
    ]);
    return undefined;
  } catch (error) {
    const { code, path, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === 'ENOENT') return `no ${path} in PATH (the packages iproute2, iptables)`;
    return `a network namespace cannot be had: ${stderr?.trim() || message}`;
  }
}
