export default function install(): void {
  throw new Error('thrown by the installation');
}
