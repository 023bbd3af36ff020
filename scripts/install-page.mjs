/**
 * Puts the generated parts into docs/INSTALL.md: the links that install the server in a client by a click, and the
 * configurations to paste. `node scripts/install-page.mjs` writes; a test checks that nothing is left to write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** @typedef {{ readonly command: string, readonly args: readonly string[] }} ServerEntry */

const NAME = 'gaffr';

/** How a client starts the published package. @type {ServerEntry} */
const PUBLISHED = { command: 'npx', args: ['-y', NAME, 'serve', '--root', '/path/to/my/documents'] };

/** How a client starts a checkout. @type {ServerEntry} */
const CHECKOUT = { command: 'node', args: ['/path/to/gaffr/dist/cli/main.js', ...PUBLISHED.args.slice(2)] };

/** What a link installs: a path that nobody has would only have to be changed. @type {ServerEntry} */
const LINKED = { command: 'npx', args: ['-y', NAME, 'serve'] };

/** Links that install the server by a click. Those with https work on pages that show no other links. */
export function installLinks() {
  const config = encodeURIComponent(Buffer.from(JSON.stringify(LINKED)).toString('base64'));
  const json = encodeURIComponent(JSON.stringify(LINKED));
  return {
    cursor: `https://cursor.com/en/install-mcp?name=${NAME}&config=${config}`,
    cursorApp: `cursor://anysphere.cursor-deeplink/mcp/install?name=${NAME}&config=${config}`,
    vscode: `https://insiders.vscode.dev/redirect/mcp/install?name=${NAME}&config=${json}`,
    vscodeApp: `vscode:mcp/install?${encodeURIComponent(JSON.stringify({ name: NAME, ...LINKED }))}`,
  };
}

/** docs/INSTALL.md as it should be, given how it is. @param {string} page */
export function installPage(page) {
  const { cursor, cursorApp, vscode, vscodeApp } = installLinks();
  const buttons = [
    `[![Add to Cursor](install-cursor.svg)](${cursor})`,
    `[![Install in VS Code](install-vscode.svg)](${vscode})`,
  ].join('\n');
  const shell = [
    `claude mcp add ${NAME} -- ${wordsOf(PUBLISHED)}`,
    `claude mcp add ${NAME} -- ${wordsOf(CHECKOUT)}`,
  ].join('\n');
  const code = `code --add-mcp '${JSON.stringify({ name: NAME, ...PUBLISHED })}'`;
  return [
    ['buttons', buttons],
    ['links', fenced('text', `${cursorApp}\n${vscodeApp}`)],
    ['published', fenced('json', entries('mcpServers', PUBLISHED))],
    ['checkout', fenced('json', entries('mcpServers', CHECKOUT))],
    ['claude-code', fenced('text', shell)],
    ['vscode', fenced('json', entries('servers', PUBLISHED))],
    ['vscode-shell', fenced('text', code)],
  ].reduce((text, [mark = '', block = '']) => between(text, mark, block), page);
}

/** @param {ServerEntry} entry */
function wordsOf({ command, args }) {
  return [command, ...args].join(' ');
}

/** @param {string} block @param {ServerEntry} entry */
function entries(block, entry) {
  return JSON.stringify({ [block]: { [NAME]: entry } }, null, 2);
}

/** @param {string} language @param {string} text */
function fenced(language, text) {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

/** @param {string} page @param {string} mark @param {string} block */
function between(page, mark, block) {
  const open = `<!-- ${mark} -->`;
  const start = page.indexOf(open);
  const end = page.indexOf(`<!-- /${mark} -->`, start);
  if (start < 0 || end < 0) throw new Error(`docs/INSTALL.md has no marks ${open} … <!-- /${mark} -->`);
  return `${page.slice(0, start + open.length)}\n${block}\n${page.slice(end)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const page = new URL('../docs/INSTALL.md', import.meta.url);
  writeFileSync(page, installPage(readFileSync(page, 'utf8')));
}
