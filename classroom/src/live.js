// Loads this page again when one of its files has changed in the folder. `vitrina class --live` puts it into each page.
(() => {
  const tags = new Map(); // URL: its ETag when the page was loaded
  const files = () => {
    const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
    return [location.href, ...loaded].filter((url) => {
      const { origin, pathname } = new URL(url);
      return origin === location.origin && !pathname.startsWith('/.vitrina/') && !pathname.startsWith('/socket.io/');
    });
  };
  const look = async () => {
    for (const url of new Set(document.hidden ? [] : files())) {
      const answer = await fetch(url, { method: 'HEAD', cache: 'no-store' }).catch(() => null);
      const tag = answer?.headers.get('etag') ?? (answer && `${answer.status}`);
      if (tag && tags.has(url) && tags.get(url) !== tag) return location.reload();
      if (tag) tags.set(url, tag);
    }
    setTimeout(look, 1000);
  };
  addEventListener('load', look);
})();
