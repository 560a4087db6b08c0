/**
 * Commands of the command line within the process of the test: to start a process takes ten times as long as what most of
 * them do. That they run as processes too, `e2e` shows.
 */
import { runIn } from '../../src/cli/main.ts';
import { shown } from '../../src/protocol/shown.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `folder`: where the command is called, as paths in its arguments and its configuration are relative to that. */
export function runCommand(folder: string, ...args: readonly string[]): Promise<Ended> {
  return runAs(process.geteuid?.() ?? 0, folder, args);
}

/** The same with the rights of another user of the system, which only the administrator can take on. */
export function runCommandAs(uid: number, folder: string, ...args: readonly string[]): Promise<Ended> {
  return runAs(uid, folder, args);
}

/** The same where the test itself runs, so that several may run at once. */
export async function runCommandHere(...args: readonly string[]): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  const code = await runIn(args, {
    env: process.env,
    cwd: process.cwd(),
    out: (text) => {
      stdout += `${shown(text)}\n`;
    },
    err: (text) => {
      stderr += `${shown(text)}\n`;
    },
  });
  return { code, stdout, stderr };
}

async function runAs(uid: number, folder: string, args: readonly string[]): Promise<Ended> {
  const before = { cwd: process.cwd(), uid: process.geteuid?.() ?? 0 };
  try {
    process.chdir(folder);
    process.seteuid?.(uid);
    return await runCommandHere(...args);
  } finally {
    process.seteuid?.(before.uid);
    process.chdir(before.cwd);
  }
}
