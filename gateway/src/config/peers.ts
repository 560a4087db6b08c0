/** Packages that are optional, and that this configuration needs. */
import type { Diagnostic, Place } from './diagnostic.ts';
import type { Path } from './located.ts';
import type { Configuration } from './schema/index.ts';

export function checkPeers(
  { servers, channels }: Configuration,
  place: (path: Path) => Place,
  isThere: (name: string) => boolean = isInstalled,
): readonly Diagnostic[] {
  const complaints: Diagnostic[] = [];
  const need = (name: string, path: Path): void => {
    if (!isThere(name))
      complaints.push({
        code: 'CFG032',
        place: place(path),
        problem: `needs the package ${name}, which is not installed beside the gateway`,
        remedy: `Run: npm install ${name}`,
      });
  };
  for (const [server, config] of Object.entries(servers)) {
    if ('httpClient' in config && config.httpClient === 'undici') need('undici', ['servers', server, 'httpClient']);
    for (const [tool, { arguments: roles }] of Object.entries(config.tools))
      for (const [name, role] of Object.entries(roles))
        if (role.role === 'sql' && role.dialect !== 'postgresql')
          need('node-sql-parser', ['servers', server, 'tools', tool, 'arguments', name, 'dialect']);
  }
  for (const [name, { email }] of Object.entries(channels))
    if (email !== undefined) need('nodemailer', ['channels', name, 'email']);
  return complaints;
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    // It says only that there is none.
    return false;
  }
}
