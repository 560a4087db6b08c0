/** Logs keys that are due for rotation; they stay valid. */
import type { Reminders } from '../stages/authenticate/api-key/reminders.ts';
import type { Log } from '../telemetry/log.ts';

export function logDueKeys(log: Log, due: ReturnType<Reminders['due']>): void {
  for (const [{ id, createdAt, expiresAt }, reminder] of due)
    log.warn(
      {
        id,
        reminder,
        created: new Date(createdAt).toISOString(),
        ...(expiresAt === undefined ? {} : { expires: new Date(expiresAt).toISOString() }),
      },
      'an API key should be replaced: sallyport key rotate',
    );
}
