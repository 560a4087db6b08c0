/** A listener that is loaded with its first request. */
import type { RequestListener } from 'node:http';
import { inBackground } from '../telemetry/background.ts';

export interface OnDemandParts {
  readonly load: () => Promise<RequestListener>;
  readonly onBug: (error: unknown) => void;
}

/**
 * Answers 503 where it cannot be loaded. The next request tries again, which helps where a file was missing or was no
 * program; Node keeps a module whose imports did not fit, so that the log says that only a restart may help.
 */
export function onDemand({ load, onBug }: OnDemandParts): RequestListener {
  let loading: Promise<RequestListener> | undefined;
  const loaded = async (): Promise<RequestListener> => {
    loading ??= load();
    try {
      return await loading;
    } catch (error) {
      loading = undefined;
      throw error;
    }
  };
  const answer = async (...[request, response]: Parameters<RequestListener>): Promise<void> => {
    try {
      (await loaded())(request, response);
    } catch (error) {
      onBug(new Error('the pages cannot be loaded: restart the gateway if this does not end', { cause: error }));
      request.resume();
      response.writeHead(503, { 'content-type': 'text/plain' }).end('The pages cannot be loaded\n');
    }
  };
  return (...asked) => inBackground('answer an operator', answer(...asked));
}
