/**
 * The commands, in the order of the help. One file a command; adding one: a file and a line here. Each is loaded when it is
 * called: `sallyport key` needs little of what `sallyport serve` does, and a command should answer at once.
 */
import type { Command } from 'commander';
import type { Context } from './context.ts';

type Make = (context: Context) => Command;

const makers = {
  serve: async (): Promise<Make> => (await import('./serve.ts')).serveCommand,
  stdio: async (): Promise<Make> => (await import('./stdio.ts')).stdioCommand,
  init: async (): Promise<Make> => (await import('./init.ts')).initCommand,
  check: async (): Promise<Make> => (await import('./check.ts')).checkCommand,
  explain: async (): Promise<Make> => (await import('./explain.ts')).explainCommand,
  test: async (): Promise<Make> => (await import('./test.ts')).testCommand,
  scan: async (): Promise<Make> => (await import('./scan.ts')).scanCommand,
  key: async (): Promise<Make> => (await import('./key.ts')).keyCommand,
  limits: async (): Promise<Make> => (await import('./limits.ts')).limitsCommand,
  secret: async (): Promise<Make> => (await import('./secret.ts')).secretCommand,
  server: async (): Promise<Make> => (await import('./server.ts')).serverCommand,
  pins: async (): Promise<Make> => (await import('./pins/pins.ts')).pinsCommand,
  approval: async (): Promise<Make> => (await import('./approval/approval.ts')).approvalCommand,
  channel: async (): Promise<Make> => (await import('./channel.ts')).channelCommand,
  operator: async (): Promise<Make> => (await import('./operator.ts')).operatorCommand,
  audit: async (): Promise<Make> => (await import('./audit.ts')).auditCommand,
} as const;

export const commandNames = Object.keys(makers) as readonly (keyof typeof makers)[];

/** The command of this name alone, or all of them where there is none, as for help and for what was mistyped. */
export async function commandsFor(name: string | undefined, context: Context): Promise<readonly Command[]> {
  const known = commandNames.filter((each) => each === name);
  const chosen = known.length > 0 ? known : commandNames;
  return Promise.all(chosen.map(async (each) => (await makers[each]())(context)));
}
