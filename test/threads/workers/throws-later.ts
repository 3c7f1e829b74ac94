export default function install(): void {
  setTimeout(() => {
    throw new Error('thrown by a timer');
  }, 20);
}
