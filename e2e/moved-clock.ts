/**
 * Preloaded into a gateway: its clock is ahead of the machine's by as many milliseconds as stand in a file, which a test
 * changes while the gateway runs.
 */
import { readFileSync } from 'node:fs';

const file = process.env['MOVED_CLOCK'] ?? '';
const Machine = Date;
let ahead = 0;

function look(): void {
  const read = Number(readFileSync(file, 'utf8'));
  // A file that is being written is empty for a moment.
  if (Number.isFinite(read)) ahead = read;
}

class Moved extends Machine {
  constructor(...given: [] | [number | string]) {
    if (given.length === 0) super(Machine.now() + ahead);
    else super(given[0]);
  }

  static override now(): number {
    return Machine.now() + ahead;
  }
}

if (file !== '') {
  look();
  setInterval(look, 20).unref();
  globalThis.Date = Moved as DateConstructor;
}
