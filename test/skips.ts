/** A test that was passed over. */
export interface Skip {
  /** With its file. */
  readonly test: string;
  readonly reason: string;
}

/** For the end of a run: each reason once, and below it the tests that were skipped for it. */
export function listOfSkips(skips: readonly Skip[]): string {
  if (skips.length === 0) return 'Nothing was skipped';
  const byReason = new Map<string, string[]>();
  for (const { test, reason } of skips) byReason.set(reason, [...(byReason.get(reason) ?? []), test]);
  const lines = [...byReason].flatMap(([reason, tests]) => [
    `  ${reason}`,
    ...tests.map((test) => `    ${test}`),
  ]);
  return ['Skipped:', ...lines].join('\n');
}
