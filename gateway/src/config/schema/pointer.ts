import { z } from 'zod';

/** A JSON pointer (RFC 6901) to something within a value, with `*` for every member of an object or item of a list. */
export const pointer = z
  .string()
  .max(512)
  .regex(/^(?:\/(?:[^~/]|~[01])*)+$/, 'must be a JSON pointer such as /budget or /tasks/*/notes');
