// The documentation page in headless Chromium: `node page.mjs DEMO HOSTILE MANY [FOLDER]`. DEMO is the URL of the demo server, HOSTILE of a
// service whose texts attack the page, MANY of one with 1,000 methods. Screenshots go into FOLDER.
import { chromium } from 'playwright-core';
import { createRequire } from 'node:module';

const [demo, hostile, many, folder] = process.argv.slice(2);
const axe = createRequire(import.meta.url).resolve('axe-core');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const problems = [];
let failed = 0;

function expect(is, text) { if (!is) throw new Error(text); }
async function test(name, run) {
  try { await run(); console.log(`ok ${name}`); } catch (error) { failed++; console.log(`FAILED ${name}: ${error.message}`); }
}
async function opened(url, options = {}) {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options });
  const page = await context.newPage();
  page.on('pageerror', error => problems.push(String(error)));
  page.on('console', message => { if (message.type() === 'error') problems.push(message.text()); });
  page.on('request', request => { if (new URL(request.url()).origin !== new URL(url).origin && !/^(data|blob):/.test(request.url())) problems.push(request.url()); });
  await page.goto(url);
  return page;
}
const method = (page, name) => page.locator(`[data-method=${JSON.stringify(name)}]`);
async function call(page, name, values) {
  await page.goto(`${demo}#${encodeURIComponent(name)}`);
  const place = method(page, name);
  for (const [field, value] of Object.entries(values)) {
    const input = place.locator(`[name="${field}"]`);
    if (await input.evaluate(e => e.tagName === 'SELECT')) await input.selectOption(value); else await input.fill(value);
  }
  await place.locator('[type=submit]').click();
  return place;
}
const shows = (place, text) => place.locator('[data-result]').filter({ hasText: text }).waitFor({ timeout: 10000 });
const violations = async (url, options) => {
  const page = await opened(url, { bypassCSP: true, ...options });
  await page.addScriptTag({ path: axe });
  for (const name of ['add', 'validator1.manyTypesTest', 'sum']) await page.evaluate(name => { const e = document.querySelector(`[data-method="${name}"]`); if (e) e.open = true; }, name);
  const found = await page.evaluate(async () => (await axe.run()).violations.map(v => `${v.id}: ${v.nodes[0].html.slice(0, 120)}`));
  await page.context().close();
  return found;
};

const page = await opened(demo);

for (const protocol of ['xml', 'json']) {
  const choose = () => page.locator(`[type=radio][value=${protocol}]`).evaluate(e => { e.checked = true; e.dispatchEvent(new Event('change')); });
  await test(`a call of each type over ${protocol}`, async () => {
    await choose();
    await shows(await call(page, 'add', { a: '-9007199254740993', b: '0' }), '-9007199254740993');
    await shows(await call(page, 'divide', { a: '1', b: '4e0' }), '0.25');
    await shows(await call(page, 'concat', { a: 'é <b>&\n', b: '"]]>' }), 'é <b>&\\n\\"]]>');
    await shows(await call(page, 'echo', { x: '{"a": [1, 2.5, true, null, "x"], "<b>": {}}' }), '"<b>": {}');
    await shows(await call(page, 'validator1.easyStructTest', { stooges: '{"moe": 1, "larry": 2, "curly": 3}' }), '6');
    await shows(await call(page, 'validator1.moderateSizeArrayCheck', { strings: '["a", "b"]' }), '"ab"');
    await shows(await call(page, 'blob', { n: '3' }), protocol === 'xml' ? '3 bytes 00 01 02' : 'AAEC');
    if (protocol === 'xml') await shows(await call(page, 'echo', { x: '"a\\rb"' }), '"a\\rb"');
  });
  await test(`a fault over ${protocol}`, async () => {
    const place = await call(page, 'fail', { code: '4', message: 'no & <i>never</i>' });
    await place.locator('[data-fault]').filter({ hasText: 'Fault 4no & <i>never</i>' }).waitFor({ timeout: 10000 });
  });
}
await page.locator('[type=radio][value=xml]').evaluate(e => { e.checked = true; e.dispatchEvent(new Event('change')); });
await test('dates, booleans and bytes', async () => {
  const place = await call(page, 'validator1.manyTypesTest', { number: '1', truth: 'false', text: 't', double: '2', date: '2026-11-30T06:30:00', bytes: 'AAEC' });
  await shows(place, /1,\s+false,\s+"t",\s+2(\.0)?,\s+"20261130T06:30:00",\s+3 bytes 00 01 02/);
});
await test('bytes are base64 in JSON, too', async () => {
  await page.locator('[type=radio][value=json]').evaluate(e => { e.checked = true; e.dispatchEvent(new Event('change')); });
  const place = await call(page, 'validator1.manyTypesTest', { number: '1', truth: 'false', text: 't', double: '2', date: '2026-11-30T06:30:00', bytes: 'AAEC' });
  await shows(place, /1,\s+false,\s+"t",\s+2(\.0)?,\s+"2026-11-30T06:30:00",\s+"AAEC"/);
  await place.getByText('Request and answer').click();
  const [request] = await place.locator('.wire pre').allTextContents();
  expect(request.includes('"2026-11-30T06:30:00", "AAEC"]'), request);
  await place.getByText('Request and answer').click();
  await page.locator('[type=radio][value=xml]').evaluate(e => { e.checked = true; e.dispatchEvent(new Event('change')); });
});
await test('a file as bytes', async () => {
  const place = method(page, 'validator1.manyTypesTest');
  await place.locator('[type=file]').setInputFiles({ name: 'x', mimeType: 'application/octet-stream', buffer: Buffer.from([255]) });
  await place.locator('textarea[name=bytes]').evaluate(e => e.value === '/w==' || new Promise(done => e.addEventListener('input', done)));
});
await test('any number of parameters', async () => {
  await page.goto(`${demo}#sum`);
  const place = method(page, 'sum');
  for (const value of ['1', '2', '7']) {
    await place.getByText('Add a parameter').click();
    await place.locator('textarea').last().fill(value);
  }
  await place.getByText('Remove').first().click();
  await place.locator('[type=submit]').click();
  await shows(place, /^9$/);
});
await test('mistakes are told at their fields, and nothing is sent', async () => {
  let sent = 0;
  page.on('request', request => { if (request.method() === 'POST') sent++; });
  for (const [name, values, text] of [['add', { a: '1.5', b: '' }, 'not an integer'], ['divide', { a: 'x', b: '1' }, 'not a number'], ['echo', { x: '{"a": [1, }' }, 'line 1, column 11'],
    ['validator1.easyStructTest', { stooges: '[1]' }, 'A struct is needed']]) {
    const place = await call(page, name, values);
    await place.locator('.problem', { hasText: text }).waitFor({ timeout: 5000 });
    expect(await place.locator('[aria-invalid=true]').count() > 0, 'no field is marked');
  }
  expect(sent === 0, `${sent} requests`);
});
await test('a call can be cancelled', async () => {
  const place = await call(page, 'sleep', { seconds: '60' });
  await place.getByText('Cancel', { exact: true }).click();
  await place.locator('[data-fault]', { hasText: 'Cancelled' }).waitFor({ timeout: 5000 });
});
await test('request and answer are shown as they were', async () => {
  const place = await call(page, 'add', { a: '3', b: '5' });
  await shows(place, /^8$/);
  await place.getByText('Request and answer').click();
  const texts = await place.locator('.wire pre').allTextContents();
  expect(texts[0].includes('<methodName>add</methodName>') && texts[1].startsWith('200'), texts.join());
});
await test('code is copied, and follows the fields', async () => {
  const place = await call(page, 'concat', { a: "it's", b: 'b' });
  const expected = { python: 'print(server.concat("it\'s", "b"))', rust: 'client.call("concat", ("it\'s", "b")).await?', curl: "it'\\''s", farcall: `concat '"it'\\''s"' b` };
  for (const [language, part] of Object.entries(expected)) {
    await place.locator(`[data-copy=${language}]`).click();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    expect(text.includes(part), text);
  }
});
await test('search, links, credentials, dark and light', async () => {
  const search = page.locator('[type=search]');
  await search.fill('zero fault');
  expect(await method(page, 'divide').isVisible() && !await method(page, 'add').isVisible(), 'not filtered by documentation');
  expect(await page.locator('nav a:visible').count() === 1, 'the links are not filtered');
  await search.press('Escape');
  await page.locator('nav a[data-link="counter.value"]').click();
  expect(await method(page, 'counter.value').locator('form').isVisible(), 'the link opens nothing');
  expect(await page.locator('nav a[aria-current]').textContent() === 'value', 'the link is not marked');
  await page.getByLabel('Credentials').click();
  await page.getByLabel('Authorization header').fill('Bearer secret');
  const sent = page.waitForRequest(request => request.method() === 'POST');
  await method(page, 'counter.value').locator('[type=submit]').click();
  expect((await sent).headers().authorization === 'Bearer secret', 'the credentials are not sent');
  expect(await page.evaluate(() => localStorage.length + sessionStorage.length) === 0, 'something is stored');
  await page.getByLabel('Authorization header').fill('');
  const before = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.getByLabel('Dark or light').click();
  expect(before !== await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'the colours do not change');
});
await test('texts of a service attack in vain', async () => {
  const page = await opened(hostile);
  for (const place of await page.locator('[data-method]').all()) {
    await place.evaluate(e => { e.closest('.group').open = true; e.open = true; });
    for (const button of await place.locator('[data-copy]').all()) await button.click();
  }
  const found = await page.evaluate(() => ({
    pwned: 'pwned' in window,
    scripts: document.querySelectorAll('script:not([src="?page.js"]), img, iframe, [onerror], [onclick], [onmouseover], main style').length,
    links: [...document.querySelectorAll('main a')].filter(a => !/^(https?:|mailto:|#)/.test(a.getAttribute('href'))).length,
    mains: document.querySelectorAll('main, h1').length,
    text: document.body.innerText,
  }));
  expect(!found.pwned && found.scripts === 0 && found.links === 0 && found.mains === 2, JSON.stringify({ ...found, text: '' }));
  const at = found.text.indexOf('\u202e');
  expect(found.text.includes('<script>') && at < 0, `the texts are not shown, or as they are: ${JSON.stringify(found.text.slice(at - 80, at + 20))}`);
  await page.context().close();
});
await test('1,000 methods', async () => {
  const started = Date.now(), page = await opened(many);
  expect(await page.locator('[data-method]').count() >= 1000, 'too few');
  await page.locator('[type=search]').fill('method_777');
  expect(await page.locator('[data-method]:visible').count() === 1, 'not filtered');
  expect(await page.locator('form').count() === 0, 'forms of closed methods');
  expect(Date.now() - started < 20000, `${Date.now() - started} ms`);
  await page.context().close();
});
await test('it is read without JavaScript', async () => {
  const page = await opened(demo, { javaScriptEnabled: false });
  await method(page, 'divide').locator('summary').click();
  expect((await method(page, 'divide').innerText()).includes('Division by zero is a fault.'), 'no documentation');
  await page.context().close();
});
for (const colorScheme of ['light', 'dark']) for (const url of [demo, hostile])
  await test(`accessibility of ${url === demo ? 'the demo' : 'hostile texts'}, ${colorScheme}`, async () => {
    const found = await violations(url, { colorScheme });
    expect(!found.length, found.join(' | '));
  });
await test('a small screen', async () => {
  for (const url of [demo, hostile]) {
    const page = await opened(`${url}#validator1.manyTypesTest`, { viewport: { width: 360, height: 740 } });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width <= 360, `${url} is ${width} wide`);
    await page.context().close();
  }
});
await test('nothing from elsewhere, and no error', () => expect(!problems.length, problems.join(' | ')));

if (folder) for (const colorScheme of ['light', 'dark']) {
  const page = await opened(`${demo}#divide`, { colorScheme, viewport: { width: 1100, height: 1080 } });
  const place = method(page, 'divide');
  await place.locator('[name=a]').fill('355');
  await place.locator('[name=b]').fill('113');
  await place.locator('[type=submit]').click();
  await place.locator('.meta span').first().waitFor();
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  await page.screenshot({ path: `${folder}/page-${colorScheme}.png` });
}
await browser.close();
process.exit(failed ? 1 : 0);
