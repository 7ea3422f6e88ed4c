// A new page in a browser; `errors` has the uncaught errors of its scripts.

/** @param {import('playwright-core').BrowserContext} context */
export async function newPage(context) {
  const page = await context.newPage();
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(error.message));
  return page;
}
