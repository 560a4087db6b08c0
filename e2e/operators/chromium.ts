/** A real browser, with an authenticator of its own for passkeys (WebAuthn Automation, as Chromium has it). */
import { type Browser, chromium, type Page } from 'playwright-core';

export interface Person extends AsyncDisposable {
  readonly page: Page;
  /** What the pages said on their console, and what the policy stopped. */
  readonly complaints: string[];
}

export interface PersonOptions {
  readonly width?: number;
  readonly dark?: boolean;
}

export async function openChromium(): Promise<Browser & AsyncDisposable> {
  const browser = await chromium.launch({
    executablePath: process.env['SALLYPORT_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  return Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() });
}

/** Cookies and passkeys of its own. */
export async function openPerson(
  browser: Browser,
  { width = 1000, dark = false }: PersonOptions = {},
): Promise<Person> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => void complaints.push(error.message));
  const session = await context.newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}
