/** The last lines that a process wrote beside its messages, for the one who asks why it does not start. */

const mostLines = 3;
const longestLine = 200;

export class LastLines {
  readonly #lines: string[] = [];

  add(text: string): void {
    for (const line of text.split('\n').slice(-mostLines)) {
      if (line.trim() === '') continue;
      this.#lines.push(line.trim().slice(0, longestLine));
      if (this.#lines.length > mostLines) this.#lines.shift();
    }
  }

  text(): string {
    return this.#lines.join(' | ');
  }
}
