/** Container images: by the digest in the command, or what the engine has on this machine under that name. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ServerIdentity } from '../../pipeline/contracts/identity.ts';
import { asText, isObject, type Json } from '../../protocol/json.ts';
import { jsonOf, textOf } from './files.ts';
import type { Place } from './npm.ts';

/** Options of `run` that have no value behind them. */
const flags =
  /^(?:-[diPqt]{1,5}|--(?:rm|init|privileged|read-only|interactive|tty|detach|quiet|publish-all|no-healthcheck|sig-proxy|oom-kill-disable))$/;
const dockerImages = '/var/lib/docker/image/overlay2/repositories.json';

/** `docker run -i --rm -e A image@sha256:…` */
export async function imageRun(engine: string, args: readonly string[], { env }: Place): Promise<ServerIdentity> {
  let at = args.indexOf('run') + 1;
  if (at === 0) return {};
  for (let arg = args[at]; arg?.startsWith('-') === true; arg = args[at])
    at += flags.test(arg) || arg.includes('=') ? 1 : 2;
  const [image = '', written] = (args[at] ?? '').split('@', 2);
  const digest = written ?? (await (engine === 'podman' ? podmanDigest(image, env) : dockerDigest(image)));
  return { image, ...(digest !== undefined && digest !== '' && { digest }) };
}

/** Readable for its own group only, as a rule. */
async function dockerDigest(image: string): Promise<string | undefined> {
  const repositories = (await jsonOf(dockerImages))?.Repositories;
  const tags = isObject(repositories) ? repositories[image.replace(/:[^:/]*$/, '')] : undefined;
  return isObject(tags) ? asText(tags[tagged(image)]) : undefined;
}

async function podmanDigest(image: string, env: Place['env']): Promise<string | undefined> {
  const data = env['XDG_DATA_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'share');
  const text = await textOf(join(data, 'containers', 'storage', 'overlay-images', 'images.json'));
  const images = text === undefined ? undefined : listIn(text);
  const wanted = tagged(image);
  const found = images?.find(
    (each) =>
      isObject(each) &&
      Array.isArray(each.names) &&
      (each.names as readonly Json[]).some((name) => name === wanted || asText(name).endsWith(`/${wanted}`)),
  );
  return isObject(found) ? asText(found.digest) : undefined;
}

function listIn(text: string): readonly Json[] | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return Array.isArray(value) ? (value as readonly Json[]) : undefined;
  } catch {
    // A file that is being written is no evidence.
    return undefined;
  }
}

function tagged(image: string): string {
  return /:[^:/]*$/.test(image) ? image : `${image}:latest`;
}
