// Loads this page again when one of its files has changed in the folder. `vitrina class --live` puts it into each page.
(() => {
  const since = Number(new URL(document.currentScript.src).searchParams.get('since'));
  const files = () => {
    const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
    return new Set([location.href.split('#')[0], ...loaded].filter((url) => {
      const { origin, pathname } = new URL(url);
      return origin === location.origin && !pathname.startsWith('/.vitrina/') && !pathname.startsWith('/socket.io/');
    }));
  };
  // The server's ETags begin with when the file was changed, in nanoseconds. One from the future would never end.
  const isNew = ({ headers }) => {
    const [, changed] = /^"([0-9a-f]+)-/.exec(headers.get('etag') ?? '') ?? [];
    const at = parseInt(changed, 16) / 1e6;
    return at > since && at < Date.parse(headers.get('date')) + 1000;
  };
  const look = async () => {
    for (const url of document.hidden ? [] : files()) {
      const answer = await fetch(url, { method: 'HEAD', cache: 'no-store' }).catch(() => null);
      if (answer && isNew(answer)) return location.reload();
    }
    setTimeout(look, 1000);
  };
  addEventListener('load', look);
})();
