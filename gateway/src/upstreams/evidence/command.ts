/** What shows which program a command runs: found in files and in the command itself, without starting anything. */
import { basename, isAbsolute, join } from 'node:path';
import type { ServerIdentity } from '../../pipeline/contracts/identity.ts';
import { digestOfFile, fileAt, programAt } from './files.ts';
import { imageRun } from './image.ts';
import { type Place, packageOf, packageRun } from './npm.ts';
import { moduleRun, projectRun, toolRun } from './python.ts';

export interface Command extends Place {
  readonly program: string;
  readonly args: readonly string[];
}

const interpreters = /^(?:node|nodejs|bun|deno|tsx|ts-node|python|python3|python3\.\d+|ruby|perl|sh|bash|java)$/;
const maxText = 512;

/** At most a few texts of 512 characters. */
export async function commandEvidence(command: Command): Promise<ServerIdentity> {
  const found = { command: basename(command.program), ...(await programEvidence(command)) };
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, text]) => (text === '' ? [] : [[name, text.slice(0, maxText)]])),
  );
}

async function programEvidence(command: Command): Promise<ServerIdentity> {
  const { program, args } = command;
  const name = basename(program).replace(/\.(?:exe|cmd)$/i, '');
  const [first = '', second = ''] = args;
  switch (name) {
    case 'npx':
    case 'bunx':
    case 'pnpx':
      return packageRun(packageWord(args), command);
    case 'npm':
    case 'pnpm':
    case 'yarn':
    case 'bun':
      if (['exec', 'x', 'dlx'].includes(first)) return packageRun(packageWord(args.slice(1)), command);
      break;
    case 'uvx':
      return toolRun(valueOf(args, '--from') ?? word(args), command);
    case 'uv':
      if (first === 'tool' && second === 'run') return toolRun(valueOf(args, '--from') ?? word(args.slice(2)), command);
      return projectRun(within(command, valueOf(args, '--directory') ?? valueOf(args, '--project') ?? '.'));
    case 'pipx':
      if (first === 'run') return toolRun(valueOf(args, '--spec') ?? word(args.slice(1)), command);
      break;
    case 'docker':
    case 'podman':
    case 'nerdctl':
      return imageRun(name, args, command);
    default:
  }
  return fileEvidence(command, name);
}

/** The file that is run: the program itself, or what an interpreter is given. */
async function fileEvidence(command: Command, name: string): Promise<ServerIdentity> {
  const { program, args, cwd, env } = command;
  if (!interpreters.test(name)) {
    const file = await programAt(program, { cwd, path: env['PATH'] ?? '' });
    return file === undefined ? {} : fileFacts(file);
  }
  const module = name.startsWith('python') ? valueOf(args, '-m') : undefined;
  if (module !== undefined) return moduleRun(await unlinked(command), module);
  for (const arg of args.slice(0, 32)) {
    if (arg.startsWith('-')) continue;
    const file = await fileAt(within(command, arg));
    if (file !== undefined) return fileFacts(file);
  }
  return {};
}

/** The path of the program as it is written or found: the link of an environment says which one it is. */
async function unlinked({ program, cwd, env }: Command): Promise<string> {
  if (/[/\\]/.test(program)) return isAbsolute(program) ? program : join(cwd, program);
  for (const folder of (env['PATH'] ?? '').split(':').slice(0, 256))
    if (folder !== '' && (await fileAt(join(folder, program))) !== undefined) return join(folder, program);
  return program;
}

async function fileFacts(file: string): Promise<ServerIdentity> {
  const digest = await digestOfFile(file);
  return { ...(await packageOf(file)), file, ...(digest !== undefined && { fileDigest: `sha256-${digest}` }) };
}

function within({ cwd }: Place, path: string): string {
  return isAbsolute(path) ? path : join(cwd, path);
}

/** The first word that is no option. */
function word(args: readonly string[]): string {
  return args.find((arg) => !arg.startsWith('-')) ?? '';
}

function packageWord(args: readonly string[]): string {
  return valueOf(args, '--package') ?? valueOf(args, '-p') ?? word(args);
}

function valueOf(args: readonly string[], option: string): string | undefined {
  const at = args.indexOf(option);
  if (at >= 0) return args[at + 1];
  return args.find((arg) => arg.startsWith(`${option}=`))?.slice(option.length + 1);
}
