export async function falseDrops(print: (line: string) => void): Promise<void> {
  print('');
}
