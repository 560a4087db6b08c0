/** The last lines that a process wrote beside its messages, for the one who asks why it does not start. */

const maxLines = 3;
const maxLineLength = 200;

export class LastLines {
  readonly #lines: string[] = [];

  add(text: string): void {
    for (const line of text.split('\n').slice(-maxLines)) {
      if (line.trim() === '') continue;
      this.#lines.push(line.trim().slice(0, maxLineLength));
      if (this.#lines.length > maxLines) this.#lines.shift();
    }
  }

  text(): string {
    return this.#lines.join(' | ');
  }
}
