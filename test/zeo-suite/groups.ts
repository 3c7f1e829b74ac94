/** The keys of groups.py. */
export const groups = [
  'mapping',
  'demo',
  'file',
  'file-tls',
  'connection',
  'reconnection',
  'misc',
  'race',
] as const;

export type Group = (typeof groups)[number];
