/**
 * Loaded into a gateway: its log is written to a disk that stands still for as long as a file is there, so that a test
 * decides what happens while something is being recorded. The log has a thread of its own; calls go on until they need it.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { SLOW_DISK: file } = process.env;
const real = fs.fdatasyncSync;
const mostMs = 20_000;
const stepMs = 5;

if (file !== undefined) {
  fs.fdatasyncSync = (descriptor) => {
    const wait = new Int32Array(new SharedArrayBuffer(4));
    if (fs.existsSync(file)) fs.writeFileSync(`${file}.reached`, '');
    for (let waited = 0; waited < mostMs && fs.existsSync(file); waited += stepMs) Atomics.wait(wait, 0, 0, stepMs);
    real(descriptor);
  };
  syncBuiltinESMExports();
}
