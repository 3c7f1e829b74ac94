/** Whether a debugger may have paused a thread of this process, which then seems to hang. */
export function mayBeAtBreakpoint(): boolean {
  try {
    // Not imported, since Node can be built without it.
    return process.getBuiltinModule('node:inspector').url() !== undefined;
  } catch {
    return false;
  }
}
