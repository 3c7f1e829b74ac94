export default function install(): void {
  const kept: number[][] = [];
  setTimeout(() => {
    for (;;) kept.push(Array.from({ length: 100_000 }, (_, index) => index));
  }, 20);
}
