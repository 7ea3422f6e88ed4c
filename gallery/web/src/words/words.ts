// All that the page says: one file for each language.

export { en, type Language, type Words } from "./english";
export { es } from "./spanish";
export { sentence } from "./spelling";
