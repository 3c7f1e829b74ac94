/** An application that says when its first line ran, and what the process had cost by the time at which it is up. */
const firstLineMs = performance.now();
// What was put off until the application runs belongs to its start as well.
setTimeout(() => {
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ firstLineMs, cpuMs: (user + system) / 1000 }));
}, 500);
