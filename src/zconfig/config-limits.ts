/**
 * How much configuration is read. A `zope.conf` of a big site has a few thousand lines and hardly an include; these
 * bounds keep a file that was made to hurt from taking memory or time.
 */
export const limits = {
  /** Bytes of all files together, a file that is included twice counted twice. */
  totalBytes: 1_048_576,
  /** Files, the first one included. */
  files: 100,
  /** Files that include one another in a row. */
  includeDepth: 16,
  /** Sections in one another. */
  sectionDepth: 64,
  /** Characters of one line. */
  lineLength: 16_384,
  /** Characters of all values with a `$` in them, after substitution: definitions can double one another. */
  expandedLength: 1_048_576,
} as const;
