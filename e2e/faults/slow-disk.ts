/**
 * Loaded into a gateway: its log, or its database, is written to a disk that stands still for as long as a file is there, so
 * that a test decides what happens while something is being written. Calls go on until they need it.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { SLOW_DISK: log, SLOW_DATABASE: database } = process.env;
const { fdatasyncSync: syncNow, fdatasync: syncLater } = fs;
const mostMs = 20_000;
const stepMs = 5;

if (log !== undefined) {
  fs.fdatasyncSync = (descriptor) => {
    const wait = new Int32Array(new SharedArrayBuffer(4));
    if (fs.existsSync(log)) fs.writeFileSync(`${log}.reached`, '');
    for (let waited = 0; waited < mostMs && fs.existsSync(log); waited += stepMs) Atomics.wait(wait, 0, 0, stepMs);
    syncNow(descriptor);
  };
  syncBuiltinESMExports();
}

if (database !== undefined) {
  const later = (descriptor: number, done: fs.NoParamCallback, waited: number): void => {
    if (waited >= mostMs || !fs.existsSync(database)) return syncLater(descriptor, done);
    if (waited === 0) fs.writeFileSync(`${database}.reached`, '');
    setTimeout(() => later(descriptor, done, waited + stepMs), stepMs);
  };
  fs.fdatasync = Object.assign((descriptor: number, done: fs.NoParamCallback) => later(descriptor, done, 0), {
    __promisify__: syncLater.__promisify__,
  });
  syncBuiltinESMExports();
}
