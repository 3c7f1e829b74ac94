export type Say = (who: string, what: string) => void;

/** Prints each event on a line of its own, with the seconds since the demonstration began. */
export function narrator(): Say {
  const startedMs = performance.now();
  return (who, what) => {
    const seconds = (performance.now() - startedMs) / 1000;
    console.log(`${seconds.toFixed(2).padStart(7)} s  ${who.padEnd(9)} ${what}`);
  };
}
