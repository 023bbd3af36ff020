/** What a Markdown page holds: the sections of an index, its links, its anchors, its blocks. */

/**
 * The sections of docs/README.md: each heading of the second level, with the pages that its list links to.
 *
 * @param {string} index
 */
export function sectionsOf(index) {
  return withoutBlocks(index)
    .split(/^## /m)
    .slice(1)
    .map((part) => ({
      title: part.slice(0, part.indexOf('\n')),
      pages: [...part.matchAll(/^- \[([^\]]+)\]\(([^)]+)\): ((?:.|\n {2})+)/gm)].map(
        ([, title = '', path = '', about = '']) => ({ title, path, about: about.replace(/\s+/g, ' ') }),
      ),
    }));
}

/** Where a page leads, addresses of other hosts left out. @param {string} text */
export function linksOf(text) {
  const plain = withoutBlocks(text).replace(/`[^`\n]*`/g, '');
  return [...plain.matchAll(/\]\(\s*([^)\s]+)[^)]*\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z][a-z+.-]*:/i.test(link));
}

/** The anchors of a page, as GitHub makes them of its headings. @param {string} text */
export function anchorsOf(text) {
  const seen = new Map();
  return [...withoutBlocks(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
    const slug = heading
      .trim()
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}

/**
 * The blocks of code in their order. A comment right above a block says more of it: `<!-- file NAME -->` that it is a file
 * of the reader's, `<!-- scene NAME: names -->` which names of a scene it uses.
 *
 * @param {string} text
 */
export function blocksOf(text) {
  const found = [...text.matchAll(/(?:<!-- ([^>\n]+) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm)];
  return found.map(([, comment = '', language = '', code = ''], at) => {
    const [, , following, output] = found[at + 1] ?? [];
    const [, file] = /^file (\S+)$/.exec(comment) ?? [];
    const [, scene, names] = /^scene ([\w-]+): ([\w, ]+)$/.exec(comment) ?? [];
    return { language, code, file, scene, names, output: following === 'text' ? output : undefined };
  });
}

/** @param {string} text */
function withoutBlocks(text) {
  return text.replace(/^```[\s\S]*?^```$/gm, '');
}
