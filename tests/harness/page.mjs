// A new page in a browser; `errors` is what its scripts did not catch.

/** @param {import('playwright-core').BrowserContext} context */
export async function newPage(context) {
  const page = await context.newPage();
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(error.message));
  return page;
}
