/** How long a request waits for a server that is being reached. */
import type { LinkFailureResult, ServerFacts } from '../pipeline/contracts/upstream.ts';
import { stillStarting } from './failures.ts';

/** A server may need minutes to start; a client is told so before it gives up by itself. */
export async function within(
  connecting: Promise<ServerFacts | LinkFailureResult>,
  patienceMs: number,
): Promise<ServerFacts | LinkFailureResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<LinkFailureResult>((resolve) => {
    timer = setTimeout(() => resolve({ failure: stillStarting }), patienceMs);
  });
  return await Promise.race([connecting, late]).finally(() => clearTimeout(timer));
}
