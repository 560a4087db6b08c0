/** Failures of servers, told apart by what they mean for the call. Details are for the record, never for the client. */
import type { LinkFailure } from '../pipeline/upstream.ts';

export function unavailable(detail: string, status?: number): LinkFailure {
  return status === undefined ? { kind: 'unavailable', detail } : { kind: 'unavailable', detail, status };
}

export function misbehaved(detail: string): LinkFailure {
  return { kind: 'misbehaved', detail };
}

export function timedOut(detail: string): LinkFailure {
  return { kind: 'timeout', detail };
}

/** A failure in words, for records and logs. */
export function failureText(failure: LinkFailure): string {
  switch (failure.kind) {
    case 'unavailable':
    case 'timeout':
    case 'misbehaved':
      return failure.detail;
    case 'too-large':
      return `answer larger than ${failure.limit} bytes`;
    case 'cancelled':
      return 'cancelled';
  }
}
