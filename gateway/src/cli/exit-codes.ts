/** What the process ends with. `docs/command-line.md` lists them. */
export const exitCodes = {
  ok: 0,
  /** The answer is no: a check failed, a call is denied, a server cannot be reached. */
  no: 1,
  usage: 2,
  /** Node is too old; said by `bin/sallyport.js`. */
  runtime: 64,
  /** The configuration is wrong, so the question was not asked. */
  configuration: 65,
  /** The data folder or something in it cannot be used. */
  data: 66,
  /** The address is in use, or may not be listened on. */
  listen: 69,
  /** A server takes no credential of ours. */
  unauthorised: 77,
  /** A bug. */
  internal: 70,
  /** The event loop stood still for `bounds.stall`: what is known stands in the record of the next start. */
  stalled: 75,
} as const;

export const exitCodeHelp = `
Exit codes: 0 yes, done; 1 no (check failed, denied, unreachable); 2 wrong usage; 64 Node too old;
65 wrong configuration; 66 data folder cannot be used; 69 address in use; 70 bug; 75 stalled, start again;
77 a server refuses our credential.`;
