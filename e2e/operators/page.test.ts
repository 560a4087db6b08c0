/** The pages of operators in a real browser: passkeys, the decision, what texts of others cannot do, and who can use them. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { packageFile } from '../harness.ts';
import { runToEnd } from '../process.ts';
import { openChromium, openPerson } from './chromium.ts';
import { startWorld } from './world.ts';

const axe = readFileSync(packageFile('axe-core', 'axe.min.js'), 'utf8');
const verifier = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport-verify.js');

/** Findings of axe; the policy of the page stops scripts of others, so it runs beside it. */
async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  const found: unknown = await page.evaluate(
    `${axe}; axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes.map(({ html }) => html).join(' ')))`,
  );
  return found as readonly string[];
}

async function makePasskey(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByRole('button', { name: 'Make a passkey' }).click();
  await Promise.race([
    page.waitForURL('**/approvals'),
    page
      .getByText('The passkey was not used')
      .waitFor()
      .then(async () => assert.fail((await page.getByRole('status').textContent()) ?? '')),
  ]);
}

test('a passkey approves exactly one call, and the log proves it without the gateway', async (t) => {
  await using world = await startWorld({ by: { role: 'approver' }, proof: 'passkey' });
  await using browser = await openChromium();
  await using person = await openPerson(browser);
  const { page } = person;
  await makePasskey(page, await world.operator('erin', '--role', 'approver'));
  const attack = '</pre><script>document.title="owned"</script><img src=x onerror=alert(1)>\u202e\u200b p\u0430ypal';
  const id = await world.held(attack);
  await t.test('the page shows the whole call, and nothing in it acts', async () => {
    await page.goto(`${world.base}/approvals`);
    await page.getByRole('link', { name: 'things/echo' }).click();
    const shown = await page.locator('pre').first().textContent();
    assert.match(shown ?? '', /<\/pre><script>document\.title=\\"owned\\"<\/script>/);
    assert.match(shown ?? '', /U\+202E.*U\+200B.*\u0430 U\+0430/s);
    assert.match(await page.title(), /things\/echo/);
    const text = (await page.locator('body').textContent()) ?? '';
    assert.match(text, /user:dana agent:asker/);
    assert.match(text, /No call of this caller to it was approved before\..*What the caller did lately/s);
    assert.deepEqual(await accessibilityProblems(page), []);
  });
  await t.test('neither a command nor a token without a passkey approves it', async () => {
    const { code, stderr } = await world.sallyport('approval', 'approve', id);
    assert.equal(code, 1);
    assert.match(stderr, /does not name you/);
    const token = await world.token('erin');
    const answer = await fetch(`${world.base}/api/v1/approvals/${id}/approve`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /confirmation with a passkey/);
  });
  await t.test('the passkey does', async () => {
    await page
      .getByLabel(/Reason/)
      .first()
      .fill('looked at it');
    await page.getByRole('button', { name: 'Approve this call with your passkey' }).click();
    await page.getByText('operator:erin, with a passkey').waitFor();
    const made = await world.session.call('echo', { message: attack });
    assert.equal(made.isError, false, made.text);
    assert.notEqual(await world.held(attack), id);
  });
  await t.test('sallyport-verify proves who approved what, and refutes what is changed', async () => {
    const file = join(world.gateway.folder, 'approval.json');
    const proved = await world.sallyport('approval', 'prove', id, '--out', file);
    assert.equal(proved.code, 0, proved.stderr);
    const verify = (path: string) => runToEnd({ command: [process.execPath, verifier, path] });
    const good = await verify(file);
    assert.equal(good.code, 0, good.stderr);
    assert.match(
      good.stdout,
      new RegExp(`${id}: operator:erin approved exactly the call that is shown with the passkey`),
    );
    assert.match(good.stdout, /registered in record/);
    const text = readFileSync(file, 'utf8');
    const changed = text.replace('asker', 'other');
    assert.notEqual(changed, text);
    writeFileSync(file, changed);
    const bad = await verify(file);
    assert.equal(bad.code, 1, bad.stdout);
    const whole = await verify(join(world.gateway.folder, 'data', 'log'));
    assert.match(whole.stdout, /approvals that passkeys confirmed: 1/, whole.stderr);
  });
  await t.test('an assertion for one approval confirms no other', async () => {
    const [first, second] = [await world.held('first'), await world.held('second')];
    await page.goto(`${world.base}/approvals/${first}`);
    // The page of the second, with the challenge of the first.
    const options = await page.locator('form[data-options]').getAttribute('data-options');
    await page.goto(`${world.base}/approvals/${second}`);
    await page
      .locator('form[data-options]')
      .evaluate((form, text) => form.setAttribute('data-options', text ?? ''), options);
    await page.getByRole('button', { name: 'Approve this call with your passkey' }).click();
    await page.getByText('The answer of the passkey does not confirm this approval').waitFor();
    assert.match((await world.session.call('echo', { message: 'second' })).text, /waits for the approval/);
  });
  assert.deepEqual(
    person.complaints.filter((text) => !text.includes('403')),
    [],
  );
});

test('an approver sees what guardrails found in the call and where, whatever becomes of it, and never the value', async () => {
  const words = (word: string, action: string) => ({ words: [word], action });
  await using world = await startWorld(
    {},
    {
      guardrails: {
        house: {
          pii: { action: 'warn', classes: ['email'] },
          patterns: { birds: words('osprey', 'observe'), fish: words('turbot', 'redact') },
        },
      },
      inspection: { guardrails: { request: 'house' } },
    },
  );
  await using browser = await openChromium();
  await using person = await openPerson(browser);
  const { page } = person;
  await makePasskey(page, await world.operator('erin', '--role', 'approver'));
  const id = await world.held('write to lena.voss@harbour-lights.net about osprey and turbot');
  await page.goto(`${world.base}/approvals/${id}`);
  const list = page.getByRole('heading', { name: 'What guardrails found in it' }).locator('+ ul');
  const wanted = [
    'pii/email at /message in the arguments: warn (house)',
    'words/house.birds at /message in the arguments: observe (house)',
    'words/house.fish at /message in the arguments: redact (house)',
  ];
  const inOrder = (texts: readonly string[]) => texts.toSorted();
  assert.deepEqual(inOrder(await list.getByRole('listitem').allTextContents()), wanted);
  assert.doesNotMatch((await page.locator('body').textContent()) ?? '', /turbot/);
  assert.deepEqual(await accessibilityProblems(page), []);

  const answer = await fetch(`${world.base}/api/v1/approvals/${id}`, {
    headers: { authorization: `Bearer ${await world.token('erin')}` },
  });
  const { findings, call } = (await answer.json()) as {
    readonly findings?: { readonly listed: readonly { readonly found: string }[]; readonly more: number };
    readonly call: object;
  };
  assert.deepEqual(inOrder(findings?.listed.map(({ found }) => found) ?? []), [
    'pii/email',
    'words/house.birds',
    'words/house.fish',
  ]);
  assert.deepEqual(
    findings?.listed.find(({ found }) => found === 'pii/email'),
    { guardrail: 'house', found: 'pii/email', action: 'warn', part: 'arguments', at: '/message' },
  );
  assert.doesNotMatch(JSON.stringify(findings), /lena|harbour/);
  assert.ok(!('findings' in call), 'the digest is not of it');
  const shown = await world.sallyport('approval', 'show', id);
  for (const each of wanted) assert.ok(shown.stdout.includes(each), shown.stdout);
  // What was found in it binds nothing: the same call joins, and is made.
  assert.equal(await world.held('write to lena.voss@harbour-lights.net about osprey and turbot'), id);
  assert.equal((await world.sallyport('approval', 'approve', id)).code, 0);
  const { text } = await world.session.call('echo', {
    message: 'write to lena.voss@harbour-lights.net about osprey and turbot',
  });
  assert.match(text, /Echo: write to lena\.voss@harbour-lights\.net about osprey and \[redacted: words\/house\.fish\]/);
  await world.held('nothing to see');
  await page.goto(`${world.base}/approvals`);
  await page.getByRole('link', { name: 'things/echo' }).click();
  assert.equal(await list.count(), 0);
});

test('the pages work on a telephone, in the dark, and without a passkey; Reject is apart from Approve', async (t) => {
  await using world = await startWorld({ reason: 'required' });
  await using browser = await openChromium();
  await using person = await openPerson(browser, { width: 360, dark: true });
  const { page } = person;
  assert.ok(world.gateway.join !== undefined);
  await t.test('the first administrator joins with a password and a second factor', async () => {
    await page.goto(world.gateway.join ?? '');
    await page.getByLabel('Your name').nth(1).fill('alex');
    await page.getByLabel('Password').fill('correct horse battery');
    const secret = (await page.locator('code').first().textContent()) ?? '';
    const { Secret, TOTP } = await import('otpauth');
    const code = () => new TOTP({ secret: Secret.fromBase32(secret), digits: 6, period: 30 });
    await page.getByLabel('Its code').fill(code().generate());
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.waitForURL('**/approvals');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL('**/sign-in');
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.getByLabel('Name').fill('alex');
    await page.getByLabel('Password').fill('correct horse battery');
    // A code counts once; the next one counts as well.
    await page.getByLabel('Code of the second factor').fill(code().generate({ timestamp: Date.now() + 30_000 }));
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForURL('**/approvals');
    await page.goto(world.gateway.join ?? '');
    assert.match((await page.locator('h1').textContent()) ?? '', /This link is over/);
  });
  await t.test('nothing is wider than the screen, and axe finds nothing', async () => {
    const id = await world.held(`${'x'.repeat(400)} and more`);
    await page.goto(`${world.base}/approvals/${id}`);
    const wide = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    assert.equal(wide, 0);
    const boxOf = async (name: string) => await page.getByRole('button', { name }).boundingBox();
    const [approve, reject] = [await boxOf('Approve this call'), await boxOf('Reject this call')];
    const gap = (reject?.y ?? 0) - (approve?.y ?? 0) - (approve?.height ?? 0);
    assert.ok(gap > 100, `${gap} pixels are between the two buttons`);
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.screenshot({ path: join(world.gateway.folder, 'approval.png'), fullPage: true });
    if (process.env['SALLYPORT_SCREENSHOTS'] !== undefined)
      await page.screenshot({ path: join(process.env['SALLYPORT_SCREENSHOTS'], 'approval-360.png'), fullPage: true });
    await page
      .getByLabel(/Reason/)
      .nth(1)
      .fill('not today');
    await page.getByRole('button', { name: 'Reject this call' }).click();
    await page.getByText('operator:alex').waitFor();
    const { text } = await world.session.call('echo', { message: `${'x'.repeat(400)} and more` });
    assert.match(text, /not today/);
  });
  assert.deepEqual(
    person.complaints.filter((text) => !text.includes('404')),
    [],
  );
});
