// Draws the Mermaid blocks of a page, and loads what draws them only where there are some.
const blocks = document.querySelectorAll('pre > code.mermaid');
if (blocks.length > 0) {
  const script = document.createElement('script');
  script.src = new URL('mermaid.js', document.currentScript.src).href;
  script.addEventListener('load', draw);
  document.head.append(script);
}

async function draw() {
  const theme = getComputedStyle(document.body).colorScheme === 'dark' ? 'dark' : 'neutral';
  globalThis.mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', theme });
  for (const [index, block] of blocks.entries()) {
    const { svg } = await globalThis.mermaid.render(`diagram-${index}`, block.firstChild.textContent);
    const figure = document.createElement('figure');
    figure.className = 'diagram';
    figure.innerHTML = svg;
    block.parentElement.replaceWith(figure);
  }
}
