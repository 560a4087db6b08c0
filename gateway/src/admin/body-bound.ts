/** How long a body may be, told from its head. What does not say how long it is, is not read (RFC 9112, 6.3). */
import type { AdminRequest } from './context.ts';

const maxBytes = 65_536;

export type BodyProblem = { readonly status: 411 | 413; readonly problem: string; readonly remedy: string };

export function bodyProblem({ req }: AdminRequest): BodyProblem | undefined {
  if (req.header('transfer-encoding') !== undefined)
    return { status: 411, problem: 'the body does not say how long it is', remedy: 'Send Content-Length.' };
  return Number(req.header('content-length') ?? 0) <= maxBytes
    ? undefined
    : { status: 413, problem: `the body is longer than ${maxBytes} bytes`, remedy: 'Send less.' };
}
