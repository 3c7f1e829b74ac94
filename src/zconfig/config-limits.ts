/**
 * How much configuration is read. The `zope.conf` of a big site has a few thousand lines and hardly any includes; these
 * limits keep a malicious file from taking memory or time.
 */
export const limits = {
  /** Bytes of all files together; a file that is included twice counts twice. */
  totalBytes: 1_048_576,
  /** Files, including the first one. */
  files: 100,
  /** Depth of nested includes. */
  includeDepth: 16,
  /** Depth of nested sections. */
  sectionDepth: 64,
  /** Characters in one line. */
  lineLength: 16_384,
  /** Characters of all values with a `$`, after substitution: each definition can double the one before. */
  expandedLength: 1_048_576,
} as const;
