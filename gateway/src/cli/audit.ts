/** `sallyport audit …`: reading the evidence log, proving from it, and erasing from it. */
import { Command } from 'commander';
import { eraseCommand, subjectsCommand } from './audit/erase.ts';
import { exportCommand } from './audit/export.ts';
import { proveCommand } from './audit/prove.ts';
import { retainCommand } from './audit/retain.ts';
import { rewrapCommand } from './audit/rewrap.ts';
import { rotateKeyCommand } from './audit/rotate-key.ts';
import { searchCommand } from './audit/search.ts';
import { showCommand } from './audit/show.ts';
import { tailCommand } from './audit/tail.ts';
import { verifyCommand } from './audit/verify.ts';
import type { Context } from './context.ts';

const commands = [
  searchCommand,
  showCommand,
  tailCommand,
  exportCommand,
  proveCommand,
  verifyCommand,
  subjectsCommand,
  eraseCommand,
  retainCommand,
  rotateKeyCommand,
  rewrapCommand,
] as const;

export function auditCommand(context: Context): Command {
  const audit = new Command('audit')
    .summary('search, show, prove and erase records')
    .description(
      'The evidence log, beside a running gateway or without one. sallyport-verify checks it independently.',
    );
  for (const command of commands) audit.addCommand(command(context));
  return audit;
}
