export default function install(): void {
  setTimeout(() => process.exit(3), 20);
}
