/** What is being done now, in a line of standard error that is written over; silent where no terminal reads it, or where JSON was asked for. */
export function stepLine(options: { json?: boolean | undefined }): { show(step: string): void; clear(): void } {
  const isShown = process.stderr.isTTY && !options.json
  const write = (text: string) => void (isShown && process.stderr.write(`\r\u001b[K${text}`))
  return { show: (step) => write(`${step} …`), clear: () => write('') }
}
